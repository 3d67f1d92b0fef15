// The C interface, as capi/gemma4.h declares and documents it; the part that the classes use.
using System;
using System.Runtime.InteropServices;
using System.Text;

namespace Gemma4
{
    [StructLayout(LayoutKind.Sequential)]
    internal unsafe struct NativeError
    {
        public ulong StructSize;
        public int Status;
        public uint MessageBytes;
        public fixed byte Message[1008];
    }

    [StructLayout(LayoutKind.Sequential)]
    internal unsafe struct NativeText
    {
        public byte* Data;
        public UIntPtr Bytes;

        public override string ToString()
        {
            return Bytes == UIntPtr.Zero ? "" : Encoding.UTF8.GetString(Data, checked((int)Bytes));
        }
    }

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate int NativeProgress(IntPtr user, ulong doneBytes, ulong totalBytes);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate int NativeWrite(IntPtr user, IntPtr data, UIntPtr bytes);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate UIntPtr NativeRead(IntPtr user, IntPtr data, UIntPtr bytes);

    [StructLayout(LayoutKind.Sequential)]
    internal unsafe struct NativeLoadOptions
    {
        public ulong StructSize;
        public int Threads, Isa;
        public ulong MemoryBudgetBytes;
        public byte* AssistantPath;
        public UIntPtr AssistantPathBytes;
        public byte* PackedPath;
        public UIntPtr PackedPathBytes;
        public IntPtr OnProgress, OnProgressUser, Canceller, Executor;
        public int Prefill, Activations;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeSampling
    {
        public ulong StructSize, Seed;
        public float Temperature;
        public int TopK;
        public float TopP, MinP, RepetitionPenalty, PresencePenalty, FrequencyPenalty;
        public int PenaltyWindow;
        public IntPtr LogitBias;
        public UIntPtr LogitBiasCount;
        public IntPtr Suppress;
        public UIntPtr SuppressCount;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeSessionOptions
    {
        public ulong StructSize;
        public uint ContextTokens;
        public int Kv;
        public uint PrefillChunkTokens;
        public int Depth;
        public ulong MemoryBudgetBytes;
        public int Drafter, Reserved;
        public IntPtr DrafterFunctions;
        public int ContextPolicy;
        public uint KeepFirstTokens;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeMemoryPlan
    {
        public ulong StructSize, WeightsBytes, AssistantBytes, KvBytes, WorkspaceBytes, TotalBytes;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal unsafe struct NativeGenerateOptions
    {
        public ulong StructSize;
        public NativeSampling* Sampling;
        public uint MaxTokens;
        public int IgnoreEndOfGeneration;
        public NativeText* Stop;
        public UIntPtr StopCount;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeEvent
    {
        public ulong StructSize;
        public int Kind, FinishReason;
        public NativeText Text, ToolName;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeChatOptions
    {
        public ulong StructSize;
        public int Thinking, PreserveThinking, NoGenerationPrompt, Reserved;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal unsafe struct NativeStatistics
    {
        public ulong StructSize, PrefillTokens, PrefillNs, DecodeTokens, DecodeNs, TargetSteps;
        public ulong Drafted, Accepted, DraftNs, VerifyNs;
        public fixed ulong OfferedAt[16];
        public fixed ulong AcceptedAt[16];
        public fixed ulong Depths[16];
        public double PrefillTokensPerSecond, DecodeTokensPerSecond, TokensPerTargetStep;
        public double SpeedupOverPlain;
    }

    internal sealed class ModelHandle : SafeHandle
    {
        public ModelHandle() : base(IntPtr.Zero, true) { }
        public override bool IsInvalid { get { return handle == IntPtr.Zero; } }
        protected override bool ReleaseHandle()
        {
            Native.gemma4_model_destroy(handle);
            return true;
        }
    }

    internal sealed class SessionHandle : SafeHandle
    {
        public SessionHandle() : base(IntPtr.Zero, true) { }
        public override bool IsInvalid { get { return handle == IntPtr.Zero; } }
        protected override bool ReleaseHandle()
        {
            Native.gemma4_session_destroy(handle);
            return true;
        }
    }

    internal sealed class ChatHandle : SafeHandle
    {
        public ChatHandle() : base(IntPtr.Zero, true) { }
        public override bool IsInvalid { get { return handle == IntPtr.Zero; } }
        protected override bool ReleaseHandle()
        {
            Native.gemma4_chat_destroy(handle);
            return true;
        }
    }

    // SafeHandle keeps a handle alive during each call, also when another thread disposes it.
    internal static unsafe class Native
    {
        private const string Library = "gemma4_c";
        private const CallingConvention C = CallingConvention.Cdecl;

        [DllImport(Library, CallingConvention = C)]
        public static extern IntPtr gemma4_version();
        [DllImport(Library, CallingConvention = C)]
        public static extern int gemma4_model_load(byte* path, UIntPtr pathBytes,
            ref NativeLoadOptions options, out ModelHandle model, ref NativeError error);
        [DllImport(Library, CallingConvention = C)]
        public static extern void gemma4_model_destroy(IntPtr model);
        [DllImport(Library, CallingConvention = C)]
        public static extern int gemma4_model_recommended_sampling(ModelHandle model,
            ref NativeSampling sampling, ref NativeError error);
        [DllImport(Library, CallingConvention = C)]
        public static extern int gemma4_model_plan(ModelHandle model,
            ref NativeSessionOptions options, ref NativeMemoryPlan plan, ref NativeError error);
        [DllImport(Library, CallingConvention = C)]
        public static extern int gemma4_chat_create(out ChatHandle chat, ref NativeError error);
        [DllImport(Library, CallingConvention = C)]
        public static extern void gemma4_chat_destroy(IntPtr chat);
        [DllImport(Library, CallingConvention = C)]
        public static extern int gemma4_chat_set_options(ChatHandle chat,
            ref NativeChatOptions options, ref NativeError error);
        [DllImport(Library, CallingConvention = C)]
        public static extern int gemma4_chat_add_json(ChatHandle chat, byte* json,
            UIntPtr jsonBytes, ref NativeError error);
        [DllImport(Library, CallingConvention = C)]
        public static extern int gemma4_session_create(ModelHandle model,
            ref NativeSessionOptions options, out SessionHandle session, ref NativeError error);
        [DllImport(Library, CallingConvention = C)]
        public static extern void gemma4_session_destroy(IntPtr session);
        [DllImport(Library, CallingConvention = C)]
        public static extern int gemma4_session_append_chat(SessionHandle session, ChatHandle chat,
            ref NativeError error);
        [DllImport(Library, CallingConvention = C)]
        public static extern int gemma4_session_append_message(SessionHandle session, byte* role,
            UIntPtr roleBytes, byte* content, UIntPtr contentBytes, ref NativeError error);
        [DllImport(Library, CallingConvention = C)]
        public static extern int gemma4_session_generate(SessionHandle session,
            ref NativeGenerateOptions options, ref NativeError error);
        [DllImport(Library, CallingConvention = C)]
        public static extern int gemma4_session_next(SessionHandle session, ref NativeEvent piece,
            ref NativeError error);
        [DllImport(Library, CallingConvention = C)]
        public static extern int gemma4_session_stop(SessionHandle session, ref NativeError error);
        [DllImport(Library, CallingConvention = C)]
        public static extern void gemma4_session_cancel(SessionHandle session);
        [DllImport(Library, CallingConvention = C)]
        public static extern int gemma4_session_rewind(SessionHandle session, uint position,
            ref NativeError error);
        [DllImport(Library, CallingConvention = C)]
        public static extern int gemma4_session_earliest_rewind(SessionHandle session,
            out uint position, ref NativeError error);
        [DllImport(Library, CallingConvention = C)]
        public static extern int gemma4_session_fork(SessionHandle session,
            out SessionHandle fork, ref NativeError error);
        [DllImport(Library, CallingConvention = C)]
        public static extern int gemma4_session_save(SessionHandle session, byte* path,
            UIntPtr pathBytes, ref NativeError error);
        [DllImport(Library, CallingConvention = C)]
        public static extern int gemma4_session_save_to(SessionHandle session, NativeWrite write,
            IntPtr user, ref NativeError error);
        [DllImport(Library, CallingConvention = C)]
        public static extern int gemma4_session_restore(ModelHandle model, byte* path,
            UIntPtr pathBytes, ref NativeSessionOptions options, IntPtr canceller,
            out SessionHandle session, ref NativeError error);
        [DllImport(Library, CallingConvention = C)]
        public static extern int gemma4_session_restore_from(ModelHandle model, NativeRead read,
            IntPtr user, ref NativeSessionOptions options, IntPtr canceller,
            out SessionHandle session, ref NativeError error);
        [DllImport(Library, CallingConvention = C)]
        public static extern int gemma4_session_tokens(SessionHandle session, out int* tokens,
            out UIntPtr count, ref NativeError error);
        [DllImport(Library, CallingConvention = C)]
        public static extern int gemma4_session_statistics(SessionHandle session,
            ref NativeStatistics statistics, ref NativeError error);
    }
}
