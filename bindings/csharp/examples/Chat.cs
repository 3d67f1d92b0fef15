// A chat with streamed answers: Chat.exe MODEL.gguf [ASSISTANT.gguf]
using System;
using Gemma4;

static class Chat
{
    static int Main(string[] arguments)
    {
        if (arguments.Length != 1 && arguments.Length != 2)
        {
            Console.Error.WriteLine("usage: Chat.exe MODEL.gguf [ASSISTANT.gguf]");
            return 2;
        }
        try
        {
            var load = new LoadOptions
            {
                Assistant = arguments.Length == 2 ? arguments[1] : null,
                OnProgress = (done, total) =>
                {
                    Console.Error.Write("\rloading: {0,3:0} %", 100.0 * done / total);
                    return true; // false would cancel
                },
            };
            using (var model = Model.Load(arguments[0], load))
            using (var session = new Session(model, new SessionOptions { ContextTokens = 4096 }))
            {
                var generate = new GenerateOptions { Sampling = model.RecommendedSampling() };
                generate.Sampling.Seed = 7; // the same seed gives the same answers

                for (;;)
                {
                    Console.Write("\n> ");
                    string line = Console.ReadLine();
                    if (line == null) return 0;
                    session.Append("user", line);
                    foreach (Event piece in session.Generate(generate))
                        if (piece.Kind == EventKind.Text) Console.Write(piece.Text);
                }
            }
        }
        catch (GemmaException exception)
        {
            Console.Error.WriteLine(exception.Message);
            return 1;
        }
    }
}
