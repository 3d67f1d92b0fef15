package gemma4

/*
#include <gemma4.h>

int32_t gemma4goWrite(void* user, void* data, size_t bytes);
size_t gemma4goRead(void* user, void* data, size_t bytes);

static int32_t write_part(void* user, const void* data, size_t bytes) {
  return gemma4goWrite(user, (void*)data, bytes);
}
static gemma4_status save_to(gemma4_session* session, void* user, gemma4_error* error) {
  return gemma4_session_save_to(session, write_part, user, error);
}
static gemma4_status restore_from(const gemma4_model* model, void* user,
                                  const gemma4_session_options* options, gemma4_session** out,
                                  gemma4_error* error) {
  return gemma4_session_restore_from(model, gemma4goRead, user, options, NULL, out, error);
}
*/
import "C"

import (
	"errors"
	"io"
	"runtime"
	"runtime/cgo"
	"unsafe"
)

// newSession gives a handle that make makes to Go.
func newSession(make func(**C.gemma4_session, *C.gemma4_error) C.gemma4_status) (*Session, error) {
	session := &Session{}
	err := check(func(e *C.gemma4_error) C.gemma4_status { return make(&session.handle, e) })
	if err != nil {
		return nil, err
	}
	runtime.SetFinalizer(session, (*Session).Close)
	return session, nil
}

// Fork makes a second session that holds what this one holds and shares its memory until one of
// them writes. Not while an answer is being made.
func (s *Session) Fork() (*Session, error) {
	defer runtime.KeepAlive(s)
	if s.handle == nil {
		return nil, ErrClosed
	}
	return newSession(func(out **C.gemma4_session, e *C.gemma4_error) C.gemma4_status {
		return C.gemma4_session_fork(s.handle, out, e)
	})
}

// Save writes what the session holds to a file, which appears whole or not at all. Not while an
// answer is being made.
func (s *Session) Save(path string) error {
	name, nameBytes := bytesOf(path)
	return s.call(func(session *C.gemma4_session, e *C.gemma4_error) C.gemma4_status {
		return C.gemma4_session_save(session, name, nameBytes, e)
	})
}

// A stream is the host's side of a snapshot, and its error.
type stream struct {
	guard
	writer io.Writer
	reader io.Reader
	err    error
}

//export gemma4goWrite
func gemma4goWrite(user, data unsafe.Pointer, bytes C.size_t) C.int32_t {
	s := (*(*cgo.Handle)(user)).Value().(*stream)
	stop := C.int32_t(1)
	s.call(func() {
		if _, s.err = s.writer.Write(unsafe.Slice((*byte)(data), int(bytes))); s.err == nil {
			stop = 0
		}
	})
	return stop
}

//export gemma4goRead
func gemma4goRead(user, data unsafe.Pointer, bytes C.size_t) C.size_t {
	s := (*(*cgo.Handle)(user)).Value().(*stream)
	given := 0
	s.call(func() {
		count, err := io.ReadFull(s.reader, unsafe.Slice((*byte)(data), int(bytes)))
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			s.err = err
			return
		}
		given = count
	})
	return C.size_t(given)
}

// SaveTo gives the same bytes to a writer, whose error it returns and whose panic comes out of it.
func (s *Session) SaveTo(writer io.Writer) error {
	to := &stream{writer: writer}
	handle := cgo.NewHandle(to)
	defer handle.Delete()
	err := s.call(func(session *C.gemma4_session, e *C.gemma4_error) C.gemma4_status {
		return C.save_to(session, unsafe.Pointer(&handle), e)
	})
	to.goOn()
	if to.err != nil {
		return to.err
	}
	return err
}

// Restore makes a session that goes on where the saved one was, to the bit. The kind of keys and
// values must be that of the saved one; ContextTokens 0 is the saved session's; the rest is free.
func (m *Model) Restore(path string, options SessionOptions) (*Session, error) {
	defer runtime.KeepAlive(m)
	if m.handle == nil {
		return nil, ErrClosed
	}
	name, nameBytes := bytesOf(path)
	known := options.known()
	return newSession(func(out **C.gemma4_session, e *C.gemma4_error) C.gemma4_status {
		return C.gemma4_session_restore(m.handle, name, nameBytes, &known, nil, out, e)
	})
}

// RestoreFrom does the same with the bytes of a reader, whose error it returns. It does not read
// behind the snapshot.
func (m *Model) RestoreFrom(reader io.Reader, options SessionOptions) (*Session, error) {
	defer runtime.KeepAlive(m)
	if m.handle == nil {
		return nil, ErrClosed
	}
	from := &stream{reader: reader}
	handle := cgo.NewHandle(from)
	defer handle.Delete()
	known := options.known()
	session, err := newSession(func(out **C.gemma4_session, e *C.gemma4_error) C.gemma4_status {
		return C.restore_from(m.handle, unsafe.Pointer(&handle), &known, out, e)
	})
	from.goOn()
	if from.err != nil {
		return nil, from.err
	}
	return session, err
}
