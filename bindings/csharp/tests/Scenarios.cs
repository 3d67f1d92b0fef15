// The scenarios that all bindings are tested with (bindings/README.md): Scenarios.exe SOURCE_FOLDER [SCRIPTED_MODEL]
using System;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Threading;
using Gemma4;

static class Scenarios
{
    static string tiny, tinyAssistant, scripted, license;
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
    }

    static void Throws<T>(string what, Action action) where T : Exception
    {
        try
        {
            action();
            Check(false, what + "'s exception comes through");
        }
        catch (T)
        {
            Check(true, "");
        }
    }

    sealed class FailingReader : MemoryStream
    {
        public override int Read(byte[] buffer, int offset, int count) { throw new TimeoutException(); }
    }

    static void ExceptionsComeThrough()
    {
        Throws<TimeoutException>("progress", () => Model.Load(tiny, new LoadOptions { OnProgress = (done, total) => { throw new TimeoutException(); } }));
        using (var model = Model.Load(tiny))
        using (var session = new Session(model, Small()))
        {
            Answer(session, "What is 34 + 17?");
            Throws<NotSupportedException>("the writer", () => session.Save(new MemoryStream(new byte[8])));
            Throws<TimeoutException>("the reader", () => Session.Restore(model, new FailingReader()));
            Check(Answer(session, "What is the capital of Japan?").Contains("Tokyo"), "usable afterwards");
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

    // Thought, text, calls and end of an answer, on one line.
    static string Whole(Session session, string json, bool thinking)
    {
        string thought = "", text = "", calls = "", end = "";
        session.AppendJson(json, thinking);
        foreach (Event piece in session.Generate())
            switch (piece.Kind)
            {
                case EventKind.Thinking: thought += piece.Text; break;
                case EventKind.Text: text += piece.Text; break;
                case EventKind.ToolCall: calls += piece.ToolName + piece.Text; break;
                case EventKind.End: end += piece.FinishReason; break;
            }
        return thought + "|" + text + "|" + calls + "|" + end;
    }

    // On a model that thinks, calls the tool, and answers when it has the response.
    static void ThinkingAndToolCalls()
    {
        if (scripted == null)
        {
            Console.WriteLine("no thinking and tool calls: no SCRIPTED_MODEL, which bindings/run.sh makes");
            return;
        }
        const string question = "{\"messages\":[{\"role\":\"user\",\"content\":\"How late is it?\"}],\"tools\":[{\"name\":\"clock\",\"description\":\"Tells the time\"}]}";
        const string call = "clock{\"zone\":1,\"exact\":true}|ToolCalls";
        using (var model = Model.Load(scripted))
        using (var session = new Session(model, new SessionOptions { ContextTokens = 512 }))
        {
            string found = Whole(session, question, true);
            Check(found == "I have no watch.||" + call, "a thought and a call, found " + found);
            session.Rewind(0);
            found = Whole(session, question, false);
            Check(found == "||" + call, "a call, found " + found);
            found = Whole(session, "[{\"role\":\"tool\",\"name\":\"clock\",\"content\":\"23:45\"}]", false);
            Check(found == "|It is late.||Stop", "an answer, found " + found);
        }
    }

    static void ThreadsShareAModel()
    {
        using (var model = Model.Load(tiny))
        {
            var texts = new string[3];
            Thread[] threads = Enumerable.Range(0, texts.Length).Select(i => new Thread(() =>
            {
                using (var session = new Session(model, Small())) texts[i] = Answer(session, "What is 34 + 17?");
            })).ToArray();
            foreach (Thread thread in threads) thread.Start();
            foreach (Thread thread in threads) thread.Join();
            Check(texts[0] != null && texts[0].Contains("51") && texts.Distinct().Count() == 1, "the same answer on each thread");
        }
    }

    // "KvBytes" is "kv_bytes".
    static string SnakeCase(string name)
    {
        return string.Concat(name.Select((c, i) => char.IsUpper(c) && i > 0 ? "_" + char.ToLowerInvariant(c) : "" + char.ToLowerInvariant(c)));
    }

    // The classes' structs are the first fields of those that the library's own tests keep a table of: by name, place and size.
    static void StructsLieAsInTheLibrary(string layout)
    {
        string[] lines = File.ReadAllLines(layout);
        Type[] structs = typeof(Model).Assembly.GetTypes().Where(type => type.IsValueType && type.Name.StartsWith("Native")).ToArray();
        Check(structs.Length > 8, "structs");
        foreach (Type type in structs)
        {
            string name = "gemma4_" + SnakeCase(type.Name.Substring("Native".Length));
            string[] expected = lines.SkipWhile(line => line.Split(' ')[0] != name).Skip(1).TakeWhile(line => line.StartsWith("  ")).ToArray();
            string size = lines.FirstOrDefault(line => line.StartsWith(name + " "));
            FieldInfo[] fields = type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);
            Check(size != null && fields.Length > 0 && fields.Length <= expected.Length, name + " is in the table");
            int end = 0;
            for (int i = 0; i < fields.Length && i < expected.Length; ++i)
            {
                string[] words = expected[i].Trim().Split(' ');
                int offset = (int)Marshal.OffsetOf(type, fields[i].Name);
                end = int.Parse(words[1]) + int.Parse(words[2]);
                int next = i + 1 < fields.Length ? (int)Marshal.OffsetOf(type, fields[i + 1].Name) : Marshal.SizeOf(type);
                Check(SnakeCase(fields[i].Name) == words[0] && offset == int.Parse(words[1]) && next >= end,
                      name + ": expected " + expected[i].Trim() + ", found " + fields[i].Name + " " + offset + " up to " + next);
            }
            Check(Marshal.SizeOf(type) - end < 8 && (fields.Length < expected.Length || size == name + " " + Marshal.SizeOf(type)), name + "'s size");
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
        Throws<ObjectDisposedException>("a disposed session", () => session.Tokens());
        Check(Model.Version == "0.1.0", "the version");
    }

    static int Main(string[] arguments)
    {
        tiny = arguments[0] + "/models/tiny/gemma4-tiny-q4_0.gguf";
        tinyAssistant = arguments[0] + "/models/tiny/gemma4-tiny-assistant-q4_0.gguf";
        license = arguments[0] + "/LICENSE";
        scripted = arguments.Length > 1 ? arguments[1] : null;
        StructsLieAsInTheLibrary(arguments[0] + "/tests/capi/layout.txt");
        LoadWithProgressAndCancel();
        ExceptionsComeThrough();
        PlanAndBudget();
        ChatAndStream();
        CancelFromAnotherThread();
        DraftsChangeNothing();
        ForkSaveAndRestore();
        JsonAndTools();
        ThinkingAndToolCalls();
        ErrorsAndDoubleClose();
        ThreadsShareAModel();
        Console.WriteLine("{0} checks, {1} failed", made, failed);
        return failed == 0 ? 0 : 1;
    }
}
