// Package gemma4 runs Gemma 4 on ordinary processors, through the library's C interface.
//
// A Model may be used by any number of goroutines at once, a Session by one at a time. Both hold
// memory that Go does not see: call Close. Finalizers are only a safety net.
package gemma4

/*
#cgo pkg-config: gemma4-c
#include <gemma4.h>
#include <stdlib.h>

int32_t gemma4goProgress(void* user, uint64_t done, uint64_t total);

// Pointers to Go memory may not be stored in C memory, so that structs with pointers are made here.
static gemma4_status load(const char* path, size_t path_bytes, const char* assistant,
                          size_t assistant_bytes, const char* packed, size_t packed_bytes,
                          int32_t threads, uint64_t budget, void* progress,
                          gemma4_model** out, gemma4_error* error) {
  gemma4_load_options options = {.struct_size = sizeof options,
                                 .threads = threads,
                                 .memory_budget_bytes = budget,
                                 .on_progress = progress ? gemma4goProgress : NULL,
                                 .on_progress_user = progress};
  if (assistant_bytes) options.assistant_path = assistant;
  options.assistant_path_bytes = assistant_bytes;
  if (packed_bytes) options.packed_path = packed;
  options.packed_path_bytes = packed_bytes;
  return gemma4_model_load(path, path_bytes, &options, out, error);
}
*/
import "C"

import (
	"context"
	"errors"
	"runtime"
	"runtime/cgo"
	"unsafe"
)

// Code says for programs what went wrong.
type Code int32

const (
	InvalidArgument Code = 1
	IO              Code = 2
	Format          Code = 3
	Unsupported     Code = 4
	OutOfMemory     Code = 5
	BudgetExceeded  Code = 6
	ContextFull     Code = 7
	Cancelled       Code = 8
	Internal        Code = 9
)

// Error is every failure of the library; its text names the file, the item, the expected and the
// found value.
type Error struct {
	Code    Code
	Message string
}

func (e *Error) Error() string { return e.Message }

// ErrClosed is returned by methods of what was closed.
var ErrClosed = errors.New("gemma4: used after Close")

// check makes a call with an error object and turns its status into an error.
func check(call func(*C.gemma4_error) C.gemma4_status) error {
	var e C.gemma4_error
	e.struct_size = C.uint64_t(unsafe.Sizeof(e))
	status := call(&e)
	if status == C.GEMMA4_OK {
		return nil
	}
	return &Error{Code(status), C.GoStringN(&e.message[0], C.int(e.message_bytes))}
}

// bytesOf gives a text to C for the time of a call.
func bytesOf(text string) (*C.char, C.size_t) {
	if len(text) == 0 {
		return nil, 0
	}
	bytes := []byte(text)
	return (*C.char)(unsafe.Pointer(&bytes[0])), C.size_t(len(bytes))
}

func textOf(text C.gemma4_text) string { return C.GoStringN(text.data, C.int(text.bytes)) }

// Version is the library's version, "major.minor.patch".
func Version() string { return C.GoString(C.gemma4_version()) }

// LoadOptions say how a model is loaded; all zero: all cores, no assistant, no limit.
type LoadOptions struct {
	Threads           int
	Assistant         string // the model's MTP assistant, which guesses tokens ahead
	Packed            string // a file that was packed from the model, or its folder
	MemoryBudgetBytes uint64
	// OnProgress is called with the bytes done and all bytes. Its panic ends the load and comes out
	// of it.
	OnProgress func(done, total uint64)
}

// Model is a checkpoint in memory.
type Model struct{ handle *C.gemma4_model }

// A guard keeps panics of the host's functions away from the library, whose frames they must not
// unwind: the library is told to stop, and the panic goes on when its call has returned.
type guard struct {
	panicked bool
	value    any
}

// call reports whether work returned.
func (g *guard) call(work func()) (returned bool) {
	defer func() {
		if !returned {
			g.panicked, g.value = true, recover()
		}
	}()
	work()
	return true
}

// goOn panics if a call did.
func (g *guard) goOn() {
	if g.panicked {
		panic(g.value)
	}
}

type progress struct {
	guard
	ctx    context.Context
	report func(done, total uint64)
}

//export gemma4goProgress
func gemma4goProgress(user unsafe.Pointer, done, total C.uint64_t) C.int32_t {
	p := (*(*cgo.Handle)(user)).Value().(*progress)
	stop := C.int32_t(1)
	p.call(func() {
		if p.ctx.Err() != nil {
			return
		}
		if p.report != nil {
			p.report(uint64(done), uint64(total))
		}
		stop = 0
	})
	return stop
}

// Load reads a GGUF file or maps a packed one. It returns ctx.Err() when ctx is done first.
func Load(ctx context.Context, path string, options LoadOptions) (*Model, error) {
	name, nameBytes := bytesOf(path)
	assistant, assistantBytes := bytesOf(options.Assistant)
	packed, packedBytes := bytesOf(options.Packed)
	told := &progress{ctx: ctx, report: options.OnProgress}
	handle := cgo.NewHandle(told)
	defer handle.Delete()
	model := &Model{}
	err := check(func(e *C.gemma4_error) C.gemma4_status {
		return C.load(name, nameBytes, assistant, assistantBytes, packed, packedBytes,
			C.int32_t(options.Threads), C.uint64_t(options.MemoryBudgetBytes),
			unsafe.Pointer(&handle), &model.handle, e)
	})
	told.goOn()
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	runtime.SetFinalizer(model, (*Model).Close)
	return model, nil
}

// Close gives the handle back; sessions keep the model alive. A second call does nothing. Not while
// another method runs.
func (m *Model) Close() error {
	C.gemma4_model_destroy(m.handle)
	m.handle = nil
	runtime.SetFinalizer(m, nil)
	return nil
}

// MemoryPlan is exact bytes by part.
type MemoryPlan struct{ Weights, Assistant, KV, Workspace, Total uint64 }

// Plan tells what a session with these options will take, to the byte.
func (m *Model) Plan(options SessionOptions) (MemoryPlan, error) {
	defer runtime.KeepAlive(m)
	known := options.known()
	var plan C.gemma4_memory_plan
	plan.struct_size = C.uint64_t(unsafe.Sizeof(plan))
	if m.handle == nil {
		return MemoryPlan{}, ErrClosed
	}
	err := check(func(e *C.gemma4_error) C.gemma4_status {
		return C.gemma4_model_plan(m.handle, &known, &plan, e)
	})
	return MemoryPlan{uint64(plan.weights_bytes), uint64(plan.assistant_bytes),
		uint64(plan.kv_bytes), uint64(plan.workspace_bytes), uint64(plan.total_bytes)}, err
}

// RecommendedSampling is what the file, or Google, recommends.
func (m *Model) RecommendedSampling() (Sampling, error) {
	defer runtime.KeepAlive(m)
	if m.handle == nil {
		return Sampling{}, ErrClosed
	}
	var known C.gemma4_sampling
	known.struct_size = C.uint64_t(unsafe.Sizeof(known))
	err := check(func(e *C.gemma4_error) C.gemma4_status {
		return C.gemma4_model_recommended_sampling(m.handle, &known, e)
	})
	return Sampling{float32(known.temperature), int(known.top_k), float32(known.top_p),
		float32(known.min_p), 0}, err
}
