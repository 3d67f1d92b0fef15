// Stream.exe MODEL COUNT: answers with the seeds 1 ... COUNT; prints their pieces, their bytes and
// the seconds that making and taking them took.
using System;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Gemma4;

static class Stream
{
    static void Main(string[] arguments)
    {
        using (var model = Model.Load(arguments[0]))
        {
            var generate = new GenerateOptions { Sampling = model.RecommendedSampling(), MaxTokens = 256 };
            long pieces = 0, bytes = 0;
            var watch = new Stopwatch();
            for (uint seed = 1; seed <= uint.Parse(arguments[1]); ++seed)
            {
                generate.Sampling.Seed = seed;
                using (var session = new Session(model, new SessionOptions { ContextTokens = 1024 }))
                {
                    session.Append("user", "Tell me a story.");
                    watch.Start();
                    foreach (Event piece in session.Generate(generate))
                    {
                        ++pieces;
                        if (piece.Kind == EventKind.Text) bytes += Encoding.UTF8.GetByteCount(piece.Text);
                    }
                    watch.Stop();
                }
            }
            Console.WriteLine(string.Format(CultureInfo.InvariantCulture, "{0} {1} {2:0.000000}", pieces, bytes,
                                            watch.Elapsed.TotalSeconds));
        }
    }
}
