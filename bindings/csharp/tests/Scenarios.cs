// The scenarios that all bindings are tested with (bindings/README.md): Scenarios.exe SOURCE_FOLDER
using System;
using System.IO;
using System.Linq;
using System.Threading;
using Gemma4;

static class Scenarios
{
    static string tiny, tinyAssistant, license;
    static int made, failed;

    static void Check(bool truth, string what)
    {
        ++made;
        if (truth) return;
        ++failed;
        Console.Error.WriteLine("not so: " + what);
    }

    static void Fails(ErrorCode code, string text, Action action)
    {
        try
        {
            action();
            Check(false, "expected " + code);
        }
        catch (GemmaException exception)
        {
            Check(exception.Code == code && exception.Message.Contains(text),
                  code + " with " + text + ", found " + exception.Code + ": " + exception.Message);
        }
    }

    static SessionOptions Small() { return new SessionOptions { ContextTokens = 256 }; }

    static string Answer(Session session, string question, GenerateOptions options, out FinishReason reason)
    {
        string text = "";
        reason = FinishReason.None;
        session.Append("user", question);
        foreach (Event piece in session.Generate(options))
        {
            if (piece.Kind == EventKind.Text) text += piece.Text;
            reason = piece.FinishReason;
        }
        return text;
    }

    static string Answer(Session session, string question)
    {
        FinishReason reason;
        return Answer(session, question, null, out reason);
    }

    static void LoadWithProgressAndCancel()
    {
        int calls = 0;
        using (Model.Load(tiny, new LoadOptions { OnProgress = (done, total) => { ++calls; return done <= total; } })) { }
        Check(calls > 1, "progress is told");
        Fails(ErrorCode.Cancelled, "", () => Model.Load(tiny, new LoadOptions { OnProgress = (done, total) => false }));
        try
        {
            Model.Load(tiny, new LoadOptions { OnProgress = (done, total) => { throw new TimeoutException(); } });
            Check(false, "the callback's exception comes through");
        }
        catch (TimeoutException)
        {
            Check(true, "");
        }
    }

    static void PlanAndBudget()
    {
        using (var model = Model.Load(tiny))
        {
            MemoryPlan plan = model.Plan(Small());
            Check(plan.KvBytes > 0 && plan.TotalBytes == plan.WeightsBytes + plan.AssistantBytes + plan.KvBytes + plan.WorkspaceBytes, "the plan's total");
            SessionOptions poor = Small();
            poor.MemoryBudgetBytes = plan.TotalBytes - 1;
            Fails(ErrorCode.BudgetExceeded, "memory_budget_bytes", () => new Session(model, poor));
        }
    }

    static void ChatAndStream()
    {
        var model = Model.Load(tiny);
        using (var session = new Session(model, Small()))
        {
            model.Dispose(); // the session keeps it
            FinishReason reason;
            Check(Answer(session, "What is 34 + 17?", null, out reason).Contains("51") && reason == FinishReason.Stop, "a sum");
            Check(Answer(session, "What is the capital of Japan?").Contains("Tokyo"), "a capital");
            Statistics done = session.Statistics();
            Check(done.DecodeTokens > 0 && done.PrefillTokens > 0 && done.DecodeTokensPerSecond > 0, "statistics");
            session.Rewind(0);
            Check(session.Tokens().Length == 0, "rewound");
            var options = new GenerateOptions { Stop = new[] { "Mars", "Earth" } };
            Check(!Answer(session, "Name the planets.", options, out reason).Contains("Earth") && reason == FinishReason.StopText, "stop text");
            int before = session.Tokens().Length;
            session.Append("user", "Name the planets.");
            Check(session.Generate().First().Kind == EventKind.Text, "a first piece"); // leaves early
            Check(session.Tokens().Length > before, "its tokens stay");
        }
    }

    static void CancelFromAnotherThread()
    {
        using (var model = Model.Load(tiny))
        using (var session = new Session(model, Small()))
        {
            session.Append("user", "Write a story.");
            FinishReason reason = FinishReason.None;
            foreach (Event piece in session.Generate())
            {
                if (piece.Kind == EventKind.Text)
                {
                    var thread = new Thread(session.Cancel);
                    thread.Start();
                    thread.Join();
                }
                reason = piece.FinishReason;
            }
            Check(reason == FinishReason.Cancelled, "cancelled");
            session.Rewind(0);
            Check(Answer(session, "What is 34 + 17?").Contains("51"), "usable afterwards");
        }
    }

    static void DraftsChangeNothing()
    {
        using (var model = Model.Load(tiny, new LoadOptions { Assistant = tinyAssistant }))
        {
            var texts = new string[2];
            var done = new Statistics[2];
            for (int i = 0; i < 2; ++i)
            {
                SessionOptions options = Small();
                options.Drafter = Drafter.Mtp;
                options.Depth = i == 0 ? SessionOptions.DepthOff : 3;
                using (var session = new Session(model, options))
                {
                    FinishReason reason;
                    texts[i] = Answer(session, "Write a story about Anna and the market.", new GenerateOptions { MaxTokens = 60 }, out reason);
                    done[i] = session.Statistics();
                }
            }
            Check(texts[0] == texts[1], "the same text");
            Check(done[0].Drafted == 0 && done[1].Accepted > 0 && done[1].TargetSteps < done[0].TargetSteps, "drafts");
        }
    }

    static void ForkSaveAndRestore()
    {
        string path = Path.GetTempFileName();
        using (var model = Model.Load(tiny))
            foreach (bool small in new[] { false, true })
            {
                SessionOptions options = Small();
                options.SmallKv = small;
                using (var session = new Session(model, options))
                using (var snapshot = new MemoryStream())
                {
                    Answer(session, "What is 34 + 17?");
                    var end = (uint)session.Tokens().Length;
                    Session fork = session.Fork();
                    session.Save(path);
                    session.Save(snapshot);
                    Check(File.ReadAllBytes(path).SequenceEqual(snapshot.ToArray()), "file and stream are the same");
                    const string question = "What is the capital of Japan?";
                    string text = Answer(session, question);
                    int[] tokens = session.Tokens();
                    Check(text.Contains("Tokyo"), "a capital before it is restored");
                    snapshot.WriteByte(1);
                    snapshot.Position = 0;
                    Session restored = Session.Restore(model, path, options);
                    Session streamed = Session.Restore(model, snapshot, options);
                    Check(snapshot.Position == snapshot.Length - 1, "nothing behind it is read");
                    Check(session.EarliestRewind() <= end, "it can be rewound");
                    session.Rewind(end);
                    foreach (Session other in new[] { fork, restored, streamed, session })
                    {
                        Check(Answer(other, question) == text && other.Tokens().SequenceEqual(tokens), "the same answer");
                        if (other != session) other.Dispose();
                    }
                    SessionOptions exact = Small();
                    exact.ExactKv = true;
                    Fails(ErrorCode.InvalidArgument, "kv", () => Session.Restore(model, path, exact));
                    Fails(ErrorCode.IO, "/nowhere", () => Session.Restore(model, "/nowhere/snapshot", options));
                    Fails(ErrorCode.Format, "", () => Session.Restore(model, new MemoryStream(), options));
                    try
                    {
                        session.Save(new MemoryStream(new byte[8]));
                        Check(false, "the stream's exception comes through");
                    }
                    catch (NotSupportedException)
                    {
                        Check(true, "");
                    }
                }
            }
        File.Delete(path);
    }

    static void JsonAndTools()
    {
        using (var model = Model.Load(tiny))
        using (var session = new Session(model))
        {
            session.AppendJson("{\"messages\":[{\"role\":\"user\",\"content\":\"What is 34 + 17?\"}],\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"add\",\"description\":\"Adds\"}}]}");
            Check(session.Tokens().Length > 20, "a prompt with a tool");
            Fails(ErrorCode.InvalidArgument, "", () => session.AppendJson("[{]"));
        }
    }

    static void ErrorsAndDoubleClose()
    {
        Fails(ErrorCode.IO, "/nowhere/model.gguf", () => Model.Load("/nowhere/model.gguf"));
        Fails(ErrorCode.Format, "LICENSE", () => Model.Load(license));
        Fails(ErrorCode.InvalidArgument, "path", () => Model.Load("a\0b"));
        Fails(ErrorCode.InvalidArgument, "path", () => Model.Load(null));
        var model = Model.Load(tiny);
        var session = new Session(model, new SessionOptions { ContextTokens = 8 });
        Fails(ErrorCode.ContextFull, "8 tokens", () => session.Append("user", "A text of more than eight tokens, surely."));
        Fails(ErrorCode.InvalidArgument, "robot", () => session.Append("robot", "Hello"));
        Fails(ErrorCode.InvalidArgument, "prompt", () => session.Generate());
        session.Dispose();
        session.Dispose();
        model.Dispose();
        model.Dispose();
        try
        {
            session.Tokens();
            Check(false, "a disposed session refuses calls");
        }
        catch (ObjectDisposedException)
        {
            Check(true, "");
        }
        Check(Model.Version == "0.1.0", "the version");
    }

    static int Main(string[] arguments)
    {
        tiny = arguments[0] + "/models/tiny/gemma4-tiny-q4_0.gguf";
        tinyAssistant = arguments[0] + "/models/tiny/gemma4-tiny-assistant-q4_0.gguf";
        license = arguments[0] + "/LICENSE";
        LoadWithProgressAndCancel();
        PlanAndBudget();
        ChatAndStream();
        CancelFromAnotherThread();
        DraftsChangeNothing();
        ForkSaveAndRestore();
        JsonAndTools();
        ErrorsAndDoubleClose();
        Console.WriteLine("{0} checks, {1} failed", made, failed);
        return failed == 0 ? 0 : 1;
    }
}
