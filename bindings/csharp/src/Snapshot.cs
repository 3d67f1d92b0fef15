using System;
using System.IO;
using System.Runtime.InteropServices;

namespace Gemma4
{
    public sealed partial class Session
    {
        private Session(SessionHandle made) { handle = made; }

        /// <summary>A second session that holds what this one holds and shares its memory until one
        /// of them writes. Not while an answer is being made.</summary>
        public Session Fork()
        {
            SessionHandle fork;
            var error = GemmaException.Prepare();
            GemmaException.Check(Native.gemma4_session_fork(handle, out fork, ref error),
                                 ref error);
            return new Session(fork);
        }

        /// <summary>Writes what the session holds to a file, which appears whole or not at all. Not
        /// while an answer is being made.</summary>
        public unsafe void Save(string path)
        {
            byte[] name = Model.Utf8(path);
            var error = GemmaException.Prepare();
            fixed (byte* bytes = name)
                GemmaException.Check(
                    Native.gemma4_session_save(handle, bytes, (UIntPtr)name.Length, ref error),
                    ref error);
        }

        /// <summary>Writes the same bytes to a stream; what it throws comes through.</summary>
        public void Save(Stream stream)
        {
            Exception thrown = null; // it may not pass through the library
            var buffer = new byte[0];
            NativeWrite write = (user, data, bytes) =>
            {
                try
                {
                    int count = checked((int)bytes);
                    if (buffer.Length < count) buffer = new byte[count];
                    Marshal.Copy(data, buffer, 0, count);
                    stream.Write(buffer, 0, count);
                    return 0;
                }
                catch (Exception exception)
                {
                    thrown = exception;
                    return 1;
                }
            };
            var error = GemmaException.Prepare();
            int status = Native.gemma4_session_save_to(handle, write, IntPtr.Zero, ref error);
            GC.KeepAlive(write);
            if (thrown != null) throw thrown;
            GemmaException.Check(status, ref error);
        }

        /// <summary>A session that goes on where the saved one was, to the bit. The kind of keys
        /// and values must be that of the saved one; ContextTokens 0 is the saved session's; the
        /// rest is free.</summary>
        public static unsafe Session Restore(Model model, string path, SessionOptions options = null)
        {
            byte[] name = Model.Utf8(path);
            var known = (options ?? new SessionOptions()).Known();
            SessionHandle made;
            var error = GemmaException.Prepare();
            fixed (byte* bytes = name)
                GemmaException.Check(
                    Native.gemma4_session_restore(model.Handle, bytes, (UIntPtr)name.Length,
                                                  ref known, IntPtr.Zero, out made, ref error),
                    ref error);
            return new Session(made);
        }

        /// <summary>The same from a stream, of which nothing behind the snapshot is read; what it
        /// throws comes through.</summary>
        public static Session Restore(Model model, Stream stream, SessionOptions options = null)
        {
            Exception thrown = null; // it may not pass through the library
            var buffer = new byte[1 << 20];
            NativeRead read = (user, data, bytes) =>
            {
                try
                {
                    int most = (int)Math.Min((ulong)bytes, (ulong)buffer.Length);
                    int given = stream.Read(buffer, 0, most);
                    Marshal.Copy(buffer, 0, data, given);
                    return (UIntPtr)given;
                }
                catch (Exception exception)
                {
                    thrown = exception;
                    return UIntPtr.Zero;
                }
            };
            var known = (options ?? new SessionOptions()).Known();
            SessionHandle made;
            var error = GemmaException.Prepare();
            int status = Native.gemma4_session_restore_from(model.Handle, read, IntPtr.Zero,
                                                            ref known, IntPtr.Zero, out made,
                                                            ref error);
            GC.KeepAlive(read);
            if (thrown != null) throw thrown;
            GemmaException.Check(status, ref error);
            return new Session(made);
        }
    }
}
