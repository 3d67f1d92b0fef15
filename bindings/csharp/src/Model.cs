using System;
using System.Runtime.InteropServices;
using System.Text;

namespace Gemma4
{
    /// <summary>What went wrong, for programs.</summary>
    public enum ErrorCode
    {
        InvalidArgument = 1,
        IO = 2,
        Format = 3,
        Unsupported = 4,
        OutOfMemory = 5,
        BudgetExceeded = 6,
        ContextFull = 7,
        Cancelled = 8,
        Internal = 9,
    }

    /// <summary>Every failure; its message names the file, the item, the expected and the found
    /// value.</summary>
    public sealed class GemmaException : Exception
    {
        public ErrorCode Code { get; private set; }

        internal GemmaException(ErrorCode code, string message) : base(message) { Code = code; }

        internal static unsafe NativeError Prepare()
        {
            return new NativeError { StructSize = (ulong)sizeof(NativeError) };
        }

        internal static unsafe void Check(int status, ref NativeError error)
        {
            if (status == 0) return;
            fixed (byte* message = error.Message)
                throw new GemmaException((ErrorCode)status,
                                         Encoding.UTF8.GetString(message, (int)error.MessageBytes));
        }
    }

    /// <summary>How a model is loaded. The default: all cores, no assistant, no limit.</summary>
    public sealed class LoadOptions
    {
        /// <summary>Threads that compute, the caller's included; 0 = the cores there are.</summary>
        public int Threads;
        /// <summary>The model's MTP assistant, which guesses tokens ahead.</summary>
        public string Assistant;
        /// <summary>A file that was packed from the model, or its folder.</summary>
        public string Packed;
        /// <summary>The load fails if the weights are larger; 0 = no limit.</summary>
        public ulong MemoryBudgetBytes;
        /// <summary>Called with the bytes done and all bytes; false cancels.</summary>
        public Func<ulong, ulong, bool> OnProgress;
    }

    /// <summary>Exact bytes by part.</summary>
    public struct MemoryPlan
    {
        public ulong WeightsBytes, AssistantBytes, KvBytes, WorkspaceBytes, TotalBytes;
    }

    /// <summary>A checkpoint in memory. Any number of threads may use it at once. Sessions keep it
    /// alive.</summary>
    public sealed class Model : IDisposable
    {
        internal readonly ModelHandle Handle;

        private Model(ModelHandle handle) { Handle = handle; }

        /// <summary>The library's version, "major.minor.patch".</summary>
        public static string Version
        {
            get { return Marshal.PtrToStringAnsi(Native.gemma4_version()); }
        }

        /// <summary>Reads a GGUF file or maps a packed one.</summary>
        public static unsafe Model Load(string path, LoadOptions options = null)
        {
            options = options ?? new LoadOptions();
            Exception thrown = null; // by OnProgress: it may not pass through the library
            NativeProgress progress = (user, done, total) =>
            {
                try
                {
                    return options.OnProgress(done, total) ? 0 : 1;
                }
                catch (Exception exception)
                {
                    thrown = exception;
                    return 1;
                }
            };
            var known = new NativeLoadOptions { StructSize = (ulong)sizeof(NativeLoadOptions) };
            known.Threads = options.Threads;
            known.MemoryBudgetBytes = options.MemoryBudgetBytes;
            if (options.OnProgress != null)
                known.OnProgress = Marshal.GetFunctionPointerForDelegate(progress);
            byte[] name = Utf8(path), assistant = Utf8(options.Assistant),
                   packed = Utf8(options.Packed);
            var error = GemmaException.Prepare();
            ModelHandle model;
            int status;
            fixed (byte* pathBytes = name, assistantBytes = assistant, packedBytes = packed)
            {
                known.AssistantPath = assistantBytes;
                known.AssistantPathBytes = (UIntPtr)assistant.Length;
                known.PackedPath = packedBytes;
                known.PackedPathBytes = (UIntPtr)packed.Length;
                status = Native.gemma4_model_load(pathBytes, (UIntPtr)name.Length, ref known,
                                                  out model, ref error);
            }
            GC.KeepAlive(progress);
            if (thrown != null) throw thrown;
            GemmaException.Check(status, ref error);
            return new Model(model);
        }

        /// <summary>What a session with these options will take, to the byte.</summary>
        public unsafe MemoryPlan Plan(SessionOptions options = null)
        {
            var known = (options ?? new SessionOptions()).Known();
            var plan = new NativeMemoryPlan { StructSize = (ulong)sizeof(NativeMemoryPlan) };
            var error = GemmaException.Prepare();
            GemmaException.Check(
                Native.gemma4_model_plan(Handle, ref known, ref plan, ref error), ref error);
            return new MemoryPlan
            {
                WeightsBytes = plan.WeightsBytes,
                AssistantBytes = plan.AssistantBytes,
                KvBytes = plan.KvBytes,
                WorkspaceBytes = plan.WorkspaceBytes,
                TotalBytes = plan.TotalBytes,
            };
        }

        /// <summary>How the file, or Google, recommends to choose tokens.</summary>
        public unsafe Sampling RecommendedSampling()
        {
            var known = new NativeSampling { StructSize = (ulong)sizeof(NativeSampling) };
            var error = GemmaException.Prepare();
            GemmaException.Check(
                Native.gemma4_model_recommended_sampling(Handle, ref known, ref error), ref error);
            return new Sampling
            {
                Temperature = known.Temperature,
                TopK = known.TopK,
                TopP = known.TopP,
                MinP = known.MinP,
            };
        }

        /// <summary>Gives the handle back; a second call does nothing.</summary>
        public void Dispose() { Handle.Dispose(); }

        internal static byte[] Utf8(string text)
        {
            return Encoding.UTF8.GetBytes(text ?? "");
        }
    }
}
