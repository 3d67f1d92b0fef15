using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace Gemma4
{
    /// <summary>Who guesses tokens ahead.</summary>
    public enum Drafter
    {
        Automatic = 0,
        Mtp = 1,
        Ngram = 2,
    }

    /// <summary>What a session is made for.</summary>
    public sealed class SessionOptions
    {
        public const int DepthAutomatic = 0, DepthOff = -1;

        /// <summary>Tokens it can hold; 0 = 8192, or the model's limit if less.</summary>
        public uint ContextTokens;
        /// <summary>Keys and values as f32 instead of f16.</summary>
        public bool ExactKv;
        /// <summary>Keys and values in 8 bits, unless they are exact: half of the memory.</summary>
        public bool SmallKv;
        /// <summary>Tokens guessed before the model checks them, 1 to 7, or Depth...; changes
        /// speed, never results.</summary>
        public int Depth;
        public Drafter Drafter;
        /// <summary>Making it fails if its plan is larger; 0 = no limit.</summary>
        public ulong MemoryBudgetBytes;
        /// <summary>A full context drops its oldest turns, at least half of what may go, and
        /// evaluates the rest again, instead of failing.</summary>
        public bool ShiftWhenFull;
        /// <summary>For it: tokens at the beginning that stay; 0 = bos and the system's turn.
        /// </summary>
        public uint KeepFirstTokens;

        internal unsafe NativeSessionOptions Known()
        {
            return new NativeSessionOptions
            {
                StructSize = (ulong)sizeof(NativeSessionOptions),
                ContextTokens = ContextTokens,
                Kv = ExactKv ? 2 : SmallKv ? 3 : 0,
                Depth = Depth,
                Drafter = (int)Drafter,
                MemoryBudgetBytes = MemoryBudgetBytes,
                ContextPolicy = ShiftWhenFull ? 1 : 0,
                KeepFirstTokens = KeepFirstTokens,
            };
        }
    }

    /// <summary>How the next token is chosen. The default is greedy; 0 leaves a limit out.</summary>
    public sealed class Sampling
    {
        public float Temperature;
        public int TopK;
        public float TopP, MinP;
        public ulong Seed;
    }

    public sealed class GenerateOptions
    {
        public Sampling Sampling;
        /// <summary>0 = until the model ends or the context is full.</summary>
        public uint MaxTokens;
        /// <summary>Texts that end the answer and are not part of it.</summary>
        public string[] Stop = new string[0];
    }

    public enum EventKind
    {
        Text = 1,
        /// <summary>Part of the thought before the answer.</summary>
        Thinking = 2,
        /// <summary>ToolName, and Text: the arguments as a JSON object.</summary>
        ToolCall = 3,
        /// <summary>FinishReason; always the last.</summary>
        End = 4,
    }

    public enum FinishReason
    {
        None = 0,
        Stop = 1,
        Length = 2,
        StopText = 3,
        ToolCalls = 4,
        ContextFull = 5,
        Cancelled = 6,
    }

    /// <summary>A piece of an answer.</summary>
    public sealed class Event
    {
        public EventKind Kind { get; internal set; }
        public string Text { get; internal set; }
        public string ToolName { get; internal set; }
        public FinishReason FinishReason { get; internal set; }
    }

    /// <summary>What a session has done so far.</summary>
    public struct Statistics
    {
        public ulong PrefillTokens, DecodeTokens, TargetSteps, Drafted, Accepted;
        public double PrefillTokensPerSecond, DecodeTokensPerSecond;
    }

    /// <summary>A conversation with a model. One thread at a time; Cancel from any.</summary>
    public sealed partial class Session : IDisposable
    {
        private readonly SessionHandle handle;

        /// <summary>Takes all the memory of Model.Plan.</summary>
        public Session(Model model, SessionOptions options = null)
        {
            var known = (options ?? new SessionOptions()).Known();
            var error = GemmaException.Prepare();
            GemmaException.Check(
                Native.gemma4_session_create(model.Handle, ref known, out handle, ref error),
                ref error);
        }

        /// <summary>Adds a message; the role is "system", "user", "assistant" or "tool".</summary>
        public unsafe void Append(string role, string content)
        {
            byte[] name = Model.Utf8(role), text = Model.Utf8(content);
            var error = GemmaException.Prepare();
            fixed (byte* nameBytes = name, textBytes = text)
                GemmaException.Check(
                    Native.gemma4_session_append_message(handle, nameBytes, (UIntPtr)name.Length,
                                                         textBytes, (UIntPtr)text.Length, ref error),
                    ref error);
        }

        /// <summary>Adds a conversation given as OpenAI-style JSON: messages, and tools the model
        /// may call.</summary>
        public unsafe void AppendJson(string json, bool thinking = false)
        {
            var options = new NativeChatOptions
            {
                StructSize = (ulong)sizeof(NativeChatOptions),
                Thinking = thinking ? 1 : 0,
            };
            byte[] text = Model.Utf8(json);
            var error = GemmaException.Prepare();
            ChatHandle chat;
            GemmaException.Check(Native.gemma4_chat_create(out chat, ref error), ref error);
            using (chat)
            {
                GemmaException.Check(
                    Native.gemma4_chat_set_options(chat, ref options, ref error), ref error);
                fixed (byte* bytes = text)
                    GemmaException.Check(
                        Native.gemma4_chat_add_json(chat, bytes, (UIntPtr)text.Length, ref error),
                        ref error);
                GemmaException.Check(
                    Native.gemma4_session_append_chat(handle, chat, ref error), ref error);
            }
        }

        /// <summary>An answer, made piece by piece while it is enumerated; leaving the loop ends
        /// it, its tokens stay.</summary>
        public IEnumerable<Event> Generate(GenerateOptions options = null)
        {
            Start(options ?? new GenerateOptions());
            return Events();
        }

        private IEnumerable<Event> Events()
        {
            try
            {
                for (;;)
                {
                    Event piece = Next();
                    if (piece == null) yield break;
                    yield return piece;
                    if (piece.Kind == EventKind.End) yield break;
                }
            }
            finally
            {
                var error = GemmaException.Prepare();
                if (!handle.IsClosed) Native.gemma4_session_stop(handle, ref error);
            }
        }

        private unsafe Event Next()
        {
            var known = new NativeEvent { StructSize = (ulong)sizeof(NativeEvent) };
            var error = GemmaException.Prepare();
            GemmaException.Check(Native.gemma4_session_next(handle, ref known, ref error),
                                 ref error);
            if (known.Kind == 0) return null;
            return new Event
            {
                Kind = (EventKind)known.Kind,
                Text = known.Text.ToString(),
                ToolName = known.ToolName.ToString(),
                FinishReason = (FinishReason)known.FinishReason,
            };
        }

        private unsafe void Start(GenerateOptions options)
        {
            Sampling sampling = options.Sampling ?? new Sampling();
            var choice = new NativeSampling
            {
                StructSize = (ulong)sizeof(NativeSampling),
                Seed = sampling.Seed,
                Temperature = sampling.Temperature,
                TopK = sampling.TopK,
                TopP = sampling.TopP,
                MinP = sampling.MinP,
            };
            var pinned = new List<GCHandle>();
            try
            {
                var stop = new NativeText[options.Stop.Length + 1];
                for (int i = 0; i < options.Stop.Length; ++i)
                {
                    byte[] text = Model.Utf8(options.Stop[i]);
                    pinned.Add(GCHandle.Alloc(text, GCHandleType.Pinned));
                    stop[i].Data = (byte*)pinned[i].AddrOfPinnedObject();
                    stop[i].Bytes = (UIntPtr)text.Length;
                }
                var error = GemmaException.Prepare();
                fixed (NativeText* texts = stop)
                {
                    var known = new NativeGenerateOptions
                    {
                        StructSize = (ulong)sizeof(NativeGenerateOptions),
                        Sampling = &choice,
                        MaxTokens = options.MaxTokens,
                        Stop = texts,
                        StopCount = (UIntPtr)options.Stop.Length,
                    };
                    GemmaException.Check(
                        Native.gemma4_session_generate(handle, ref known, ref error), ref error);
                }
            }
            finally
            {
                foreach (GCHandle text in pinned) text.Free();
            }
        }

        /// <summary>Stops what the session computes, from any thread.</summary>
        public void Cancel() { Native.gemma4_session_cancel(handle); }

        /// <summary>Everything in the context, in order.</summary>
        public unsafe int[] Tokens()
        {
            int* tokens;
            UIntPtr count;
            var error = GemmaException.Prepare();
            GemmaException.Check(
                Native.gemma4_session_tokens(handle, out tokens, out count, ref error), ref error);
            var all = new int[(int)count];
            if (all.Length > 0) Marshal.Copy((IntPtr)tokens, all, 0, all.Length);
            return all;
        }

        /// <summary>Forgets all tokens from a position on.</summary>
        public void Rewind(uint position)
        {
            var error = GemmaException.Prepare();
            GemmaException.Check(Native.gemma4_session_rewind(handle, position, ref error),
                                 ref error);
        }

        /// <summary>The lowest position that Rewind can go back to without evaluating again what
        /// is left.</summary>
        public uint EarliestRewind()
        {
            uint position;
            var error = GemmaException.Prepare();
            GemmaException.Check(
                Native.gemma4_session_earliest_rewind(handle, out position, ref error), ref error);
            return position;
        }

        public unsafe Statistics Statistics()
        {
            var done = new NativeStatistics { StructSize = (ulong)sizeof(NativeStatistics) };
            var error = GemmaException.Prepare();
            GemmaException.Check(Native.gemma4_session_statistics(handle, ref done, ref error),
                                 ref error);
            return new Statistics
            {
                PrefillTokens = done.PrefillTokens,
                DecodeTokens = done.DecodeTokens,
                TargetSteps = done.TargetSteps,
                Drafted = done.Drafted,
                Accepted = done.Accepted,
                PrefillTokensPerSecond = done.PrefillTokensPerSecond,
                DecodeTokensPerSecond = done.DecodeTokensPerSecond,
            };
        }

        /// <summary>Frees the session's memory; a second call does nothing.</summary>
        public void Dispose() { handle.Dispose(); }
    }
}
