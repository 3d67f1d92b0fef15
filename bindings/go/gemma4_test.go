package gemma4

// The scenarios that all bindings are tested with (bindings/README.md).

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const (
	tiny          = "../../models/tiny/gemma4-tiny-q4_0.gguf"
	tinyAssistant = "../../models/tiny/gemma4-tiny-assistant-q4_0.gguf"
)

var small = SessionOptions{ContextTokens: 256}

func load(t *testing.T, options LoadOptions) *Model {
	t.Helper()
	model, err := Load(context.Background(), tiny, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { model.Close() })
	return model
}

func open(t *testing.T, model *Model, options SessionOptions) *Session {
	t.Helper()
	session, err := model.NewSession(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	return session
}

func answer(t *testing.T, s *Session, question string, options GenerateOptions) (string, FinishReason) {
	t.Helper()
	var text strings.Builder
	var reason FinishReason
	if err := s.Append("user", question); err != nil {
		t.Fatal(err)
	}
	err := s.Generate(context.Background(), options, func(e Event) error {
		if e.Kind == Text {
			text.WriteString(e.Text)
		}
		reason = e.FinishReason
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return text.String(), reason
}

func wantCode(t *testing.T, err error, code Code, text string) {
	t.Helper()
	var known *Error
	if !errors.As(err, &known) || known.Code != code || !strings.Contains(known.Message, text) {
		t.Errorf("expected code %d with %q, found %v", code, text, err)
	}
}

func TestLoadWithProgressAndCancel(t *testing.T) {
	calls := 0
	load(t, LoadOptions{OnProgress: func(done, total uint64) {
		if done > total {
			t.Error(done, total)
		}
		calls++
	}})
	if calls < 2 {
		t.Error(calls)
	}
	ctx, cancel := context.WithCancel(context.Background())
	_, err := Load(ctx, tiny, LoadOptions{OnProgress: func(uint64, uint64) { cancel() }})
	if err != context.Canceled {
		t.Error(err)
	}
}

// Panics come out of the call that the library made, and nothing is broken.
func TestPanicsComeThrough(t *testing.T) {
	model := load(t, LoadOptions{})
	session := open(t, model, small)
	answer(t, session, "What is 34 + 17?", GenerateOptions{})
	for name, work := range map[string]func(){
		"progress": func() {
			Load(context.Background(), tiny, LoadOptions{OnProgress: func(uint64, uint64) { panic("progress") }})
		},
		"writer": func() { session.SaveTo(failing("writer")) },
		"reader": func() { model.RestoreFrom(failing("reader"), small) },
		"event": func() {
			session.Append("user", "Name the planets.")
			session.Generate(context.Background(), GenerateOptions{}, func(Event) error { panic("event") })
		},
	} {
		func() {
			defer func() {
				if found := recover(); found != name {
					t.Errorf("expected the panic of the %s, found %v", name, found)
				}
			}()
			work()
		}()
	}
	if text, _ := answer(t, session, "What is the capital of Japan?", GenerateOptions{}); !strings.Contains(text, "Tokyo") {
		t.Error(text)
	}
}

type failing string

func (f failing) Write([]byte) (int, error) { panic(string(f)) }
func (f failing) Read([]byte) (int, error)  { panic(string(f)) }

func TestPlanAndBudget(t *testing.T) {
	model := load(t, LoadOptions{})
	plan, err := model.Plan(small)
	if err != nil || plan.KV == 0 || plan.Total != plan.Weights+plan.Assistant+plan.KV+plan.Workspace {
		t.Error(plan, err)
	}
	poor := small
	poor.MemoryBudgetBytes = plan.Total - 1
	_, err = model.NewSession(poor)
	wantCode(t, err, BudgetExceeded, "memory_budget_bytes")
}

func TestChatAndStream(t *testing.T) {
	model := load(t, LoadOptions{})
	session := open(t, model, small)
	model.Close() // the session keeps it
	if text, reason := answer(t, session, "What is 34 + 17?", GenerateOptions{}); !strings.Contains(text, "51") || reason != FinishStop {
		t.Error(text, reason)
	}
	if text, _ := answer(t, session, "What is the capital of Japan?", GenerateOptions{}); !strings.Contains(text, "Tokyo") {
		t.Error(text)
	}
	if done, err := session.Statistics(); err != nil || done.DecodeTokens == 0 || done.PrefillTokens == 0 {
		t.Error(done, err)
	}
	if err := session.Rewind(0); err != nil {
		t.Error(err)
	}
	if tokens, err := session.Tokens(); err != nil || len(tokens) != 0 {
		t.Error(tokens, err)
	}
	if text, reason := answer(t, session, "Name the planets.", GenerateOptions{Stop: []string{"Mars", "Earth"}}); strings.Contains(text, "Earth") || reason != FinishStopText {
		t.Error(text, reason)
	}
}

func TestLeavingEarlyKeepsTheTokens(t *testing.T) {
	session := open(t, load(t, LoadOptions{}), small)
	if err := session.Append("user", "Name the planets."); err != nil {
		t.Fatal(err)
	}
	before, _ := session.Tokens()
	enough := errors.New("enough")
	err := session.Generate(context.Background(), GenerateOptions{}, func(Event) error { return enough })
	if err != enough {
		t.Error(err)
	}
	if after, _ := session.Tokens(); len(after) <= len(before) {
		t.Error(len(before), len(after))
	}
}

func TestCancel(t *testing.T) {
	session := open(t, load(t, LoadOptions{}), small)
	if err := session.Append("user", "Write a story."); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	err := session.Generate(ctx, GenerateOptions{}, func(Event) error { cancel(); return nil })
	if err != context.Canceled {
		t.Error(err)
	}
	reason := FinishReason(0)
	err = session.Generate(context.Background(), GenerateOptions{}, func(e Event) error {
		if e.Kind == Text {
			stopped := make(chan struct{})
			go func() { session.Cancel(); close(stopped) }()
			<-stopped
		}
		reason = e.FinishReason
		return nil
	})
	if err != nil || reason != FinishCancelled || reason.String() != "cancelled" {
		t.Error(err, reason)
	}
	session.Rewind(0)
	if text, _ := answer(t, session, "What is 34 + 17?", GenerateOptions{}); !strings.Contains(text, "51") {
		t.Error(text)
	}
}

func TestDraftsChangeNothing(t *testing.T) {
	model := load(t, LoadOptions{Assistant: tinyAssistant})
	ask := func(depth int) (string, Statistics) {
		session := open(t, model, SessionOptions{ContextTokens: 256, Depth: depth, Drafter: DrafterMTP})
		text, _ := answer(t, session, "Write a story about Anna and the market.", GenerateOptions{MaxTokens: 60})
		done, err := session.Statistics()
		if err != nil {
			t.Fatal(err)
		}
		return text, done
	}
	plain, off := ask(DepthOff)
	drafted, on := ask(3)
	if plain != drafted || off.Drafted != 0 || on.Accepted == 0 || on.TargetSteps >= off.TargetSteps {
		t.Error(plain, drafted, off, on)
	}
}

func TestForkSaveAndRestore(t *testing.T) {
	model := load(t, LoadOptions{})
	for _, options := range []SessionOptions{small, {ContextTokens: 256, SmallKV: true}} {
		must := func(session *Session, err error) *Session {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { session.Close() })
			return session
		}
		session := open(t, model, options)
		answer(t, session, "What is 34 + 17?", GenerateOptions{})
		tokens, _ := session.Tokens()
		end := uint32(len(tokens))
		fork := must(session.Fork())
		path := filepath.Join(t.TempDir(), "snapshot")
		if err := session.Save(path); err != nil {
			t.Fatal(err)
		}
		var snapshot bytes.Buffer
		if err := session.SaveTo(&snapshot); err != nil {
			t.Fatal(err)
		}
		if file, err := os.ReadFile(path); err != nil || !bytes.Equal(file, snapshot.Bytes()) {
			t.Fatal("the file and the stream differ", err)
		}
		const question = "What is the capital of Japan?"
		text, _ := answer(t, session, question, GenerateOptions{})
		expected, _ := session.Tokens()
		if !strings.Contains(text, "Tokyo") {
			t.Fatal(text)
		}
		restored := must(model.Restore(path, options))
		snapshot.WriteString("behind it")
		streamed := must(model.RestoreFrom(&snapshot, options))
		if snapshot.String() != "behind it" {
			t.Fatal("read too much")
		}
		if earliest, err := session.EarliestRewind(); err != nil || earliest > end {
			t.Fatal(earliest, err)
		}
		if err := session.Rewind(end); err != nil {
			t.Fatal(err)
		}
		for _, other := range []*Session{fork, restored, streamed, session} {
			again, _ := answer(t, other, question, GenerateOptions{})
			tokens, _ := other.Tokens()
			if again != text || !reflect.DeepEqual(tokens, expected) {
				t.Fatalf("%q, expected %q", again, text)
			}
		}
		_, err := model.RestoreFrom(strings.NewReader("no snapshot"), options)
		wantCode(t, err, Format, "snapshot")
		_, err = model.Restore("/nowhere/snapshot", options)
		wantCode(t, err, IO, "/nowhere/snapshot")
		exact := options
		exact.ExactKV = true
		_, err = model.Restore(path, exact)
		wantCode(t, err, InvalidArgument, "kv")
		file, err := os.Open(os.DevNull) // which is open for reading only
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		var failed *os.PathError
		if err := session.SaveTo(file); !errors.As(err, &failed) {
			t.Fatal(err)
		}
	}
}

func TestJSONAndTools(t *testing.T) {
	session := open(t, load(t, LoadOptions{}), SessionOptions{})
	err := session.AppendJSON(`{"messages":[{"role":"user","content":"What is 34 + 17?"}],
		"tools":[{"type":"function","function":{"name":"add","description":"Adds"}}]}`, false)
	if tokens, _ := session.Tokens(); err != nil || len(tokens) < 20 {
		t.Error(err, len(tokens))
	}
	wantCode(t, session.AppendJSON("[{]", false), InvalidArgument, "")
}

// On a model that thinks, calls the tool, and answers when it has the response.
func TestThinkingAndToolCalls(t *testing.T) {
	path := os.Getenv("GEMMA4_SCRIPTED_MODEL")
	if path == "" {
		t.Skip("GEMMA4_SCRIPTED_MODEL names no model; bindings/run.sh makes it")
	}
	model, err := Load(context.Background(), path, LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	session := open(t, model, SessionOptions{ContextTokens: 512})
	next := func(json string, thinking bool) (events []Event) {
		if err := session.AppendJSON(json, thinking); err != nil {
			t.Fatal(err)
		}
		thought := ""
		err := session.Generate(context.Background(), GenerateOptions{}, func(e Event) error {
			if e.Kind == Thinking {
				thought += e.Text
			} else {
				events = append(events, e)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return append([]Event{{Kind: Thinking, Text: thought}}, events...)
	}
	question := `{"messages":[{"role":"user","content":"How late is it?"}],"tools":[{"name":"clock","description":"Tells the time"}]}`
	call := []Event{
		{Kind: ToolCall, ToolName: "clock", Text: `{"zone":1,"exact":true}`},
		{Kind: End, FinishReason: FinishToolCalls},
	}
	if found := next(question, true); found[0].Text != "I have no watch." || !reflect.DeepEqual(found[1:], call) {
		t.Error(found)
	}
	session.Rewind(0)
	if found := next(question, false); found[0].Text != "" || !reflect.DeepEqual(found[1:], call) {
		t.Error(found)
	}
	text := ""
	found := next(`[{"role":"tool","name":"clock","content":"23:45"}]`, false)
	for _, e := range found[1:] {
		text += e.Text
	}
	if text != "It is late." || found[len(found)-1].FinishReason != FinishStop {
		t.Error(found)
	}
}

func TestErrorsAndDoubleClose(t *testing.T) {
	_, err := Load(context.Background(), "/nowhere/model.gguf", LoadOptions{})
	wantCode(t, err, IO, "/nowhere/model.gguf")
	_, err = Load(context.Background(), "../../LICENSE", LoadOptions{})
	wantCode(t, err, Format, "LICENSE")
	_, err = Load(context.Background(), "a\x00b", LoadOptions{})
	wantCode(t, err, InvalidArgument, "path")
	_, err = Load(context.Background(), "", LoadOptions{})
	wantCode(t, err, InvalidArgument, "path")
	model := load(t, LoadOptions{})
	session := open(t, model, SessionOptions{ContextTokens: 8})
	wantCode(t, session.Append("user", "A text of more than eight tokens, surely."), ContextFull, "8 tokens")
	wantCode(t, session.Append("robot", "Hello"), InvalidArgument, "robot")
	wantCode(t, session.Generate(context.Background(), GenerateOptions{}, nil), InvalidArgument, "prompt")
	session.Close()
	session.Close()
	model.Close()
	model.Close()
	if _, err := session.Tokens(); err != ErrClosed {
		t.Error(err)
	}
	if _, err := model.NewSession(small); err != ErrClosed {
		t.Error(err)
	}
}

func TestThreadsShareAModel(t *testing.T) {
	model := load(t, LoadOptions{})
	texts := make(chan string)
	for i := 0; i < 3; i++ {
		session := open(t, model, small)
		go func() {
			text := ""
			session.Append("user", "What is 34 + 17?")
			session.Generate(context.Background(), GenerateOptions{}, func(e Event) error { text += e.Text; return nil })
			texts <- text
		}()
	}
	if first := <-texts; !strings.Contains(first, "51") || first != <-texts || first != <-texts {
		t.Error(first)
	}
	if Version() != "0.1.0" {
		t.Error(Version())
	}
}
