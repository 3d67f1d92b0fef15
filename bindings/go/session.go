package gemma4

/*
#include <gemma4.h>
#include <string.h>

static gemma4_status generate(gemma4_session* session, const gemma4_sampling* sampling,
                              uint32_t max_tokens, const char* stops, const size_t* stop_bytes,
                              size_t stop_count, gemma4_error* error) {
  enum { MOST = 64 };
  gemma4_text stop[MOST];
  gemma4_generate_options options = {
      .struct_size = sizeof options, .sampling = sampling, .max_tokens = max_tokens};
  for (size_t i = 0; i < stop_count && i < MOST; ++i) {
    stop[i].data = stops;
    stop[i].bytes = stop_bytes[i];
    stops += stop_bytes[i];
  }
  options.stop = stop;
  options.stop_count = stop_count < MOST ? stop_count : MOST;
  return gemma4_session_generate(session, &options, error);
}
*/
import "C"

import (
	"context"
	"runtime"
	"strings"
	"unsafe"
)

// How many tokens are guessed before the model checks them, besides 1 to 7. Changes speed, never
// results.
const (
	DepthAutomatic = 0
	DepthOff       = -1
)

// Drafter says who guesses.
type Drafter int32

const (
	DrafterAutomatic Drafter = 0 // lookup, and the model's assistant if it has one
	DrafterMTP       Drafter = 1 // the assistant
	DrafterNgram     Drafter = 2 // repeats what followed the latest tokens earlier
)

// SessionOptions say what a session is made for.
type SessionOptions struct {
	ContextTokens     uint32 // 0 = 8192, or the model's limit if less
	ExactKV           bool   // keys and values as f32 instead of f16
	SmallKV           bool   // in 8 bits, unless they are exact: half of the memory
	Depth             int
	Drafter           Drafter
	MemoryBudgetBytes uint64
	ShiftWhenFull     bool   // a full context drops its oldest turns and goes on, instead of failing
	KeepFirstTokens   uint32 // for it: tokens at the beginning that stay; 0 = bos and the system's turn
}

func (o SessionOptions) known() C.gemma4_session_options {
	var known C.gemma4_session_options
	known.struct_size = C.uint64_t(unsafe.Sizeof(known))
	known.context_tokens = C.uint32_t(o.ContextTokens)
	switch {
	case o.ExactKV:
		known.kv = C.GEMMA4_KV_F32
	case o.SmallKV:
		known.kv = C.GEMMA4_KV_Q8_0
	}
	known.depth = C.int32_t(o.Depth)
	known.drafter = C.int32_t(o.Drafter)
	known.memory_budget_bytes = C.uint64_t(o.MemoryBudgetBytes)
	if o.ShiftWhenFull {
		known.context_policy = C.GEMMA4_CONTEXT_SHIFT
	}
	known.keep_first_tokens = C.uint32_t(o.KeepFirstTokens)
	return known
}

// Sampling says how the next token is chosen; all zero: greedy. 0 leaves a limit out.
type Sampling struct {
	Temperature float32
	TopK        int
	TopP, MinP  float32
	Seed        uint64
}

// MostStops is how many texts GenerateOptions.Stop may hold.
const MostStops = 64

// GenerateOptions say what an answer is to be.
type GenerateOptions struct {
	Sampling  Sampling
	MaxTokens uint32   // 0 = until the model ends or the context is full
	Stop      []string // texts that end the answer and are not part of it
}

// Kind says what a piece of an answer is.
type Kind int32

const (
	Text     Kind = 1
	Thinking Kind = 2 // part of the thought before the answer
	ToolCall Kind = 3 // ToolName, and Text: the arguments as a JSON object
	End      Kind = 4 // FinishReason; always the last
)

// FinishReason says why an answer ended.
type FinishReason int32

const (
	FinishStop        FinishReason = 1
	FinishLength      FinishReason = 2
	FinishStopText    FinishReason = 3
	FinishToolCalls   FinishReason = 4
	FinishContextFull FinishReason = 5
	FinishCancelled   FinishReason = 6
)

func (r FinishReason) String() string { return C.GoString(C.gemma4_finish_reason_name(C.int32_t(r))) }

// Event is a piece of an answer.
type Event struct {
	Kind         Kind
	Text         string
	ToolName     string
	FinishReason FinishReason
}

// Session is a conversation with a model.
type Session struct{ handle *C.gemma4_session }

// NewSession takes all the memory of Plan. It keeps the model alive.
func (m *Model) NewSession(options SessionOptions) (*Session, error) {
	defer runtime.KeepAlive(m)
	if m.handle == nil {
		return nil, ErrClosed
	}
	known := options.known()
	return newSession(func(out **C.gemma4_session, e *C.gemma4_error) C.gemma4_status {
		return C.gemma4_session_create(m.handle, &known, out, e)
	})
}

// Close frees the session's memory. A second call does nothing. Not while another method runs.
func (s *Session) Close() error {
	C.gemma4_session_destroy(s.handle)
	s.handle = nil
	runtime.SetFinalizer(s, nil)
	return nil
}

// call makes a call with the session.
func (s *Session) call(work func(*C.gemma4_session, *C.gemma4_error) C.gemma4_status) error {
	defer runtime.KeepAlive(s)
	if s.handle == nil {
		return ErrClosed
	}
	return check(func(e *C.gemma4_error) C.gemma4_status { return work(s.handle, e) })
}

// Append adds a message; the role is "system", "user", "assistant" or "tool".
func (s *Session) Append(role, content string) error {
	name, nameBytes := bytesOf(role)
	text, textBytes := bytesOf(content)
	return s.call(func(session *C.gemma4_session, e *C.gemma4_error) C.gemma4_status {
		return C.gemma4_session_append_message(session, name, nameBytes, text, textBytes, e)
	})
}

// AppendJSON adds a conversation given as OpenAI-style JSON: messages, and tools the model may call.
func (s *Session) AppendJSON(json string, thinking bool) error {
	var chat *C.gemma4_chat
	if err := check(func(e *C.gemma4_error) C.gemma4_status {
		return C.gemma4_chat_create(&chat, e)
	}); err != nil {
		return err
	}
	defer C.gemma4_chat_destroy(chat)
	var options C.gemma4_chat_options
	options.struct_size = C.uint64_t(unsafe.Sizeof(options))
	if thinking {
		options.thinking = 1
	}
	text, textBytes := bytesOf(json)
	if err := check(func(e *C.gemma4_error) C.gemma4_status {
		if status := C.gemma4_chat_set_options(chat, &options, e); status != C.GEMMA4_OK {
			return status
		}
		return C.gemma4_chat_add_json(chat, text, textBytes, e)
	}); err != nil {
		return err
	}
	return s.call(func(session *C.gemma4_session, e *C.gemma4_error) C.gemma4_status {
		return C.gemma4_session_append_chat(session, chat, e)
	})
}

// Generate gives an answer to onEvent, piece by piece. It returns ctx.Err() when ctx is done first,
// or onEvent's error; the tokens chosen so far stay in the context.
func (s *Session) Generate(ctx context.Context, options GenerateOptions,
	onEvent func(Event) error) error {
	if len(options.Stop) > MostStops {
		return &Error{InvalidArgument, "gemma4: too many texts in GenerateOptions.Stop"}
	}
	if err := s.start(options); err != nil {
		return err
	}
	defer s.call(func(session *C.gemma4_session, e *C.gemma4_error) C.gemma4_status {
		return C.gemma4_session_stop(session, e)
	})

	over := make(chan struct{})
	watched := make(chan struct{})
	go func() { // the only other user of the handle, gone before this function returns
		defer close(watched)
		select {
		case <-ctx.Done():
			C.gemma4_session_cancel(s.handle)
		case <-over:
		}
	}()
	defer func() { close(over); <-watched }()

	var known C.gemma4_event
	known.struct_size = C.uint64_t(unsafe.Sizeof(known))
	for {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := s.call(func(session *C.gemma4_session, e *C.gemma4_error) C.gemma4_status {
			return C.gemma4_session_next(session, &known, e)
		}); err != nil {
			return err
		}
		event := Event{Kind(known.kind), textOf(known.text), textOf(known.tool_name),
			FinishReason(known.finish_reason)}
		if event.FinishReason == FinishCancelled && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := onEvent(event); err != nil {
			return err
		}
		if event.Kind == End {
			return nil
		}
	}
}

func (s *Session) start(options GenerateOptions) error {
	var sampling C.gemma4_sampling
	sampling.struct_size = C.uint64_t(unsafe.Sizeof(sampling))
	sampling.temperature = C.float(options.Sampling.Temperature)
	sampling.top_k = C.int32_t(options.Sampling.TopK)
	sampling.top_p = C.float(options.Sampling.TopP)
	sampling.min_p = C.float(options.Sampling.MinP)
	sampling.seed = C.uint64_t(options.Sampling.Seed)
	stops, _ := bytesOf(strings.Join(options.Stop, ""))
	bytes := make([]C.size_t, len(options.Stop)+1)
	for i, stop := range options.Stop {
		bytes[i] = C.size_t(len(stop))
	}
	return s.call(func(session *C.gemma4_session, e *C.gemma4_error) C.gemma4_status {
		return C.generate(session, &sampling, C.uint32_t(options.MaxTokens), stops, &bytes[0],
			C.size_t(len(options.Stop)), e)
	})
}

// Cancel stops what the session computes; any goroutine may call it, but not after Close.
func (s *Session) Cancel() { C.gemma4_session_cancel(s.handle) }

// Tokens is everything in the context, in order.
func (s *Session) Tokens() ([]int32, error) {
	var tokens *C.gemma4_token
	var count C.size_t
	err := s.call(func(session *C.gemma4_session, e *C.gemma4_error) C.gemma4_status {
		return C.gemma4_session_tokens(session, &tokens, &count, e)
	})
	if err != nil || count == 0 {
		return nil, err
	}
	return append([]int32(nil), unsafe.Slice((*int32)(tokens), int(count))...), nil
}

// Rewind forgets all tokens from position on.
func (s *Session) Rewind(position uint32) error {
	return s.call(func(session *C.gemma4_session, e *C.gemma4_error) C.gemma4_status {
		return C.gemma4_session_rewind(session, C.uint32_t(position), e)
	})
}

// EarliestRewind is the lowest position that Rewind can go back to without evaluating again what is
// left.
func (s *Session) EarliestRewind() (uint32, error) {
	var position C.uint32_t
	err := s.call(func(session *C.gemma4_session, e *C.gemma4_error) C.gemma4_status {
		return C.gemma4_session_earliest_rewind(session, &position, e)
	})
	return uint32(position), err
}

// Statistics are what a session has done so far.
type Statistics struct {
	PrefillTokens, DecodeTokens, TargetSteps, Drafted, Accepted uint64
	PrefillTokensPerSecond, DecodeTokensPerSecond               float64
}

func (s *Session) Statistics() (Statistics, error) {
	var done C.gemma4_statistics
	done.struct_size = C.uint64_t(unsafe.Sizeof(done))
	err := s.call(func(session *C.gemma4_session, e *C.gemma4_error) C.gemma4_status {
		return C.gemma4_session_statistics(session, &done, e)
	})
	return Statistics{uint64(done.prefill_tokens), uint64(done.decode_tokens),
		uint64(done.target_steps), uint64(done.drafted), uint64(done.accepted),
		float64(done.prefill_tokens_per_second), float64(done.decode_tokens_per_second)}, err
}
