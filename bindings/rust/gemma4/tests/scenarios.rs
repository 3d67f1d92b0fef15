//! The scenarios that all bindings are tested with (bindings/README.md).
use gemma4::*;

const MODEL: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../../models/tiny/gemma4-tiny-q4_0.gguf");
const ASSISTANT: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../../models/tiny/gemma4-tiny-assistant-q4_0.gguf");

fn small() -> SessionOptions {
    SessionOptions { context_tokens: 256, ..Default::default() }
}

fn answer(session: &mut Session, question: &str, max_tokens: u32) -> (String, FinishReason) {
    answer_with(session, question, &GenerateOptions { max_tokens, ..Default::default() })
}

fn answer_with(
    session: &mut Session,
    question: &str,
    options: &GenerateOptions,
) -> (String, FinishReason) {
    session.append("user", question).unwrap();
    let (mut text, mut end) = (String::new(), None);
    for piece in session.generate(options).unwrap() {
        match piece.unwrap() {
            Piece::Text(part) => text += &part,
            Piece::End(reason) => end = Some(reason),
            _ => {}
        }
    }
    (text, end.expect("an end"))
}

/// A failure by its code and a part of its text.
fn fails<T>(result: Result<T, Error>, code: ErrorCode, text: &str) {
    let error = result.err().expect("a failure");
    assert!(error.code() == code && error.to_string().contains(text), "{error:?}");
}

/// What a call panics with.
fn panic_of<T>(call: impl FnOnce() -> T) -> Option<&'static str> {
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(call));
    caught.err().and_then(|panic| panic.downcast_ref::<&str>().copied())
}

#[test]
fn load_with_progress_and_cancel() {
    let mut calls = 0;
    let mut count = |done: u64, total: u64| {
        assert!(done <= total);
        calls += 1;
        true
    };
    let options = LoadOptions { on_progress: Some(&mut count), ..Default::default() };
    let model = Model::load_with(MODEL, options).unwrap();
    assert!(calls > 1 && model.vocabulary_size().unwrap() == 1536);
    let mut refuse = |_: u64, _: u64| false;
    let options = LoadOptions { on_progress: Some(&mut refuse), ..Default::default() };
    fails(Model::load_with(MODEL, options), ErrorCode::Cancelled, MODEL);
}

#[test]
fn panics_come_through() {
    let mut fail = |_: u64, _: u64| -> bool { panic!("progress") };
    let options = LoadOptions { on_progress: Some(&mut fail), ..Default::default() };
    assert_eq!(panic_of(|| Model::load_with(MODEL, options)), Some("progress"));
    let model = Model::load(MODEL).unwrap();
    let mut session = Session::with_options(&model, &small()).unwrap();
    answer(&mut session, "What is 34 + 17?", 0);
    assert_eq!(panic_of(|| session.save_to(|_| panic!("writer"))), Some("writer"));
    let read = || Session::restore_from(&model, &small(), |_| panic!("reader"));
    assert_eq!(panic_of(read), Some("reader"));
    assert!(answer(&mut session, "What is the capital of Japan?", 0).0.contains("Tokyo"));
}

#[test]
fn plan_and_budget() {
    let model = Model::load(MODEL).unwrap();
    let plan = model.plan(&small()).unwrap();
    let parts = plan.weights_bytes + plan.assistant_bytes + plan.kv_bytes + plan.workspace_bytes;
    assert!(plan.kv_bytes > 0 && plan.total_bytes == parts);
    let poor = SessionOptions { memory_budget_bytes: plan.total_bytes - 1, ..small() };
    let refused = Session::with_options(&model, &poor);
    fails(refused, ErrorCode::BudgetExceeded, "memory_budget_bytes");
}

#[test]
fn chat_and_stream() {
    let model = Model::load(MODEL).unwrap();
    let mut session = Session::with_options(&model, &small()).unwrap();
    drop(model); // the session keeps it
    let (text, end) = answer(&mut session, "What is 34 + 17?", 0);
    assert!(text.contains("51") && end == FinishReason::Stop);
    let (text, _) = answer(&mut session, "What is the capital of Japan?", 0);
    assert!(text.contains("Tokyo"));
    let statistics = session.statistics().unwrap();
    assert!(statistics.decode_tokens > 0 && statistics.prefill_tokens > 0);
    assert_eq!(session.logits().unwrap().len(), 1536);
    let count = session.tokens().unwrap().len();
    session.rewind(0).unwrap();
    assert!(count > 20 && session.tokens().unwrap().is_empty());
    let stop = vec!["Mars".to_string(), "Earth".to_string()];
    let options = GenerateOptions { stop, ..Default::default() };
    let (text, end) = answer_with(&mut session, "Name the planets.", &options);
    assert!(!text.contains("Earth") && end == FinishReason::StopText);
}

#[test]
fn leaving_early_keeps_the_tokens() {
    let model = Model::load(MODEL).unwrap();
    let mut session = Session::with_options(&model, &small()).unwrap();
    session.append("user", "Name the planets.").unwrap();
    let before = session.tokens().unwrap().len();
    let first = session.generate(&GenerateOptions::default()).unwrap().next();
    assert!(matches!(first, Some(Ok(Piece::Text(_)))));
    assert!(session.tokens().unwrap().len() > before);
}

#[test]
fn cancel_from_another_thread() {
    let model = Model::load(MODEL).unwrap();
    let mut session = Session::with_options(&model, &small()).unwrap();
    let cancel = session.cancel_handle();
    session.append("user", "Write a story.").unwrap();
    let mut generation = session.generate(&GenerateOptions::default()).unwrap();
    assert!(matches!(generation.next(), Some(Ok(Piece::Text(_)))));
    std::thread::spawn(move || cancel.cancel()).join().unwrap();
    let last = generation.map(Result::unwrap).last();
    assert_eq!(last, Some(Piece::End(FinishReason::Cancelled)));
    session.rewind(0).unwrap();
    assert!(answer(&mut session, "What is 34 + 17?", 0).0.contains("51"));
}

#[test]
fn drafts_change_nothing() {
    let load = LoadOptions { assistant: Some(ASSISTANT), ..Default::default() };
    let model = Model::load_with(MODEL, load).unwrap();
    let question = "Write a story about Anna and the market.";
    let ask = |depth| {
        let options = SessionOptions { depth, drafter: Drafter::Mtp, ..small() };
        let mut session = Session::with_options(&model, &options).unwrap();
        let result = answer(&mut session, question, 60);
        (result, session.statistics().unwrap())
    };
    let (plain, off) = ask(Depth::Off);
    let (drafted, on) = ask(Depth::Tokens(3));
    assert_eq!(plain, drafted);
    assert!(off.drafted == 0 && on.accepted > 0 && on.target_steps < off.target_steps);
}

#[test]
fn fork_save_and_restore() {
    let model = Model::load(MODEL).unwrap();
    for options in [small(), SessionOptions { small_kv: true, ..small() }] {
        let mut session = Session::with_options(&model, &options).unwrap();
        answer(&mut session, "What is 34 + 17?", 0);
        let end = session.tokens().unwrap().len() as u32;
        let mut fork = session.fork().unwrap();
        let path = std::env::temp_dir().join(format!("gemma4-rust-{}", std::process::id()));
        let path = path.to_str().unwrap();
        session.save(path).unwrap();
        let mut bytes = Vec::new();
        session
            .save_to(|part| {
                bytes.extend_from_slice(part);
                true
            })
            .unwrap();
        assert!(std::fs::read(path).unwrap() == bytes);
        let question = "What is the capital of Japan?";
        let expected = answer(&mut session, question, 0);
        let logits = session.logits().unwrap().to_vec();
        assert!(expected.0.contains("Tokyo"));

        let mut restored = Session::restore(&model, path, &options).unwrap();
        std::fs::remove_file(path).unwrap();
        let mut rest = &bytes[..];
        let mut streamed = Session::restore_from(&model, &options, |into| {
            let given = into.len().min(rest.len()).min(1000);
            into[..given].copy_from_slice(&rest[..given]);
            rest = &rest[given..];
            given
        })
        .unwrap();
        session.rewind(end).unwrap();
        assert!(session.earliest_rewind().unwrap() <= end);
        for other in [&mut fork, &mut restored, &mut streamed, &mut session] {
            assert_eq!(answer(other, question, 0), expected);
            assert!(other.logits().unwrap() == logits);
        }

        let exact = SessionOptions { exact_kv: true, ..small() };
        let mut whole = &bytes[..];
        let other = Session::restore_from(&model, &exact, |into| {
            let given = into.len().min(whole.len());
            into[..given].copy_from_slice(&whole[..given]);
            whole = &whole[given..];
            given
        });
        fails(other, ErrorCode::InvalidArgument, "kv");
        fails(Session::restore_from(&model, &options, |_| 0), ErrorCode::Format, "snapshot");
        let missing = Session::restore(&model, "/nowhere/snapshot", &options);
        fails(missing, ErrorCode::Io, "/nowhere/snapshot");
        fails(session.save_to(|_| false), ErrorCode::Cancelled, "");
    }
}

#[test]
fn json_and_tools() {
    let model = Model::load(MODEL).unwrap();
    let mut session = Session::with_options(&model, &SessionOptions::default()).unwrap();
    let json = r#"{"messages":[{"role":"user","content":"What is 34 + 17?"}],
        "tools":[{"type":"function","function":{"name":"add","description":"Adds"}}]}"#;
    session.append_json(json, false).unwrap();
    assert!(session.tokens().unwrap().len() > 20);
    fails(session.append_json("[{]", false), ErrorCode::InvalidArgument, "");
}

/// On a model that thinks, calls the tool, and answers when it has the response.
#[test]
fn thinking_and_tool_calls() {
    let Ok(path) = std::env::var("GEMMA4_SCRIPTED_MODEL") else {
        return; // bindings/run.sh makes it
    };
    let model = Model::load(&path).unwrap();
    let options = SessionOptions { context_tokens: 512, ..Default::default() };
    let mut session = Session::with_options(&model, &options).unwrap();
    // thought, text, calls, end
    let next = |session: &mut Session, json: &str, thinking: bool| {
        session.append_json(json, thinking).unwrap();
        let (mut thought, mut text, mut calls, mut end) = Default::default();
        for piece in session.generate(&GenerateOptions::default()).unwrap() {
            match piece.unwrap() {
                Piece::Thinking(part) => String::push_str(&mut thought, &part),
                Piece::Text(part) => String::push_str(&mut text, &part),
                Piece::ToolCall { name, arguments } => Vec::push(&mut calls, (name, arguments)),
                Piece::End(reason) => end = Some(reason),
            }
        }
        (thought, text, calls, end.expect("an end"))
    };
    let question = r#"{"messages":[{"role":"user","content":"How late is it?"}],
        "tools":[{"name":"clock","description":"Tells the time"}]}"#;
    let call = || vec![("clock".to_string(), r#"{"zone":1,"exact":true}"#.to_string())];
    let found = next(&mut session, question, true);
    let thought = "I have no watch.".to_string();
    assert_eq!(found, (thought, String::new(), call(), FinishReason::ToolCalls));
    session.rewind(0).unwrap();
    let found = next(&mut session, question, false);
    assert_eq!(found, (String::new(), String::new(), call(), FinishReason::ToolCalls));
    let response = r#"[{"role":"tool","name":"clock","content":"23:45"}]"#;
    let found = next(&mut session, response, false);
    assert_eq!(found, (String::new(), "It is late.".to_string(), vec![], FinishReason::Stop));
}

#[test]
fn errors() {
    fails(Model::load("/nowhere/model.gguf"), ErrorCode::Io, "/nowhere/model.gguf");
    let license = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../LICENSE");
    fails(Model::load(license), ErrorCode::Format, "LICENSE");
    fails(Model::load("a\0b"), ErrorCode::InvalidArgument, "path");
    fails(Model::load(""), ErrorCode::InvalidArgument, "path");
    let model = Model::load(MODEL).unwrap();
    let tiny = SessionOptions { context_tokens: 8, ..Default::default() };
    let mut session = Session::with_options(&model, &tiny).unwrap();
    let long = session.append("user", "A text of more than eight tokens, surely.");
    fails(long, ErrorCode::ContextFull, "8 tokens");
    fails(session.append("robot", "Hello"), ErrorCode::InvalidArgument, "robot");
    fails(session.generate(&GenerateOptions::default()), ErrorCode::InvalidArgument, "prompt");
}

#[test]
fn threads_share_a_model() {
    fn is_send<T: Send>() {}
    fn is_sync<T: Sync>() {}
    is_send::<Session>();
    is_send::<CancelHandle>();
    is_sync::<CancelHandle>();
    is_sync::<Model>();
    let model = Model::load(MODEL).unwrap();
    let ask = |model: Model| {
        let mut session = Session::with_options(&model, &small()).unwrap();
        answer(&mut session, "What is 34 + 17?", 0)
    };
    let other = model.clone();
    let there = std::thread::spawn(move || ask(other));
    assert_eq!(ask(model), there.join().unwrap());
    assert_eq!(version(), "0.1.0");
}
