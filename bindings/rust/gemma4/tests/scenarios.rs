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
    session.append("user", question).unwrap();
    let options = GenerateOptions { max_tokens, ..Default::default() };
    let (mut text, mut end) = (String::new(), None);
    for piece in session.generate(&options).unwrap() {
        match piece.unwrap() {
            Piece::Text(part) => text += &part,
            Piece::End(reason) => end = Some(reason),
            _ => {}
        }
    }
    (text, end.expect("an end"))
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
    assert_eq!(Model::load_with(MODEL, options).err().unwrap().code(), ErrorCode::Cancelled);
}

#[test]
fn a_panic_passes_through_the_load() {
    let caught = std::panic::catch_unwind(|| {
        let mut fail = |_: u64, _: u64| -> bool { panic!("on purpose") };
        let options = LoadOptions { on_progress: Some(&mut fail), ..Default::default() };
        let _ = Model::load_with(MODEL, options);
    });
    assert_eq!(caught.unwrap_err().downcast_ref::<&str>(), Some(&"on purpose"));
}

#[test]
fn plan_and_budget() {
    let model = Model::load(MODEL).unwrap();
    let plan = model.plan(&small()).unwrap();
    let parts = plan.weights_bytes + plan.assistant_bytes + plan.kv_bytes + plan.workspace_bytes;
    assert!(plan.kv_bytes > 0 && plan.total_bytes == parts);
    let poor = SessionOptions { memory_budget_bytes: plan.total_bytes - 1, ..small() };
    let error = Session::with_options(&model, &poor).err().unwrap();
    assert_eq!(error.code(), ErrorCode::BudgetExceeded);
    assert!(error.to_string().contains("memory_budget_bytes"));
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
        let refused = Session::restore_from(&model, &exact, |_| 0).err().unwrap();
        assert_eq!(refused.code(), ErrorCode::Format);
        let missing = Session::restore(&model, "/nowhere/snapshot", &options).err().unwrap();
        assert_eq!(missing.code(), ErrorCode::Io);
        assert_eq!(session.save_to(|_| false).err().unwrap().code(), ErrorCode::Cancelled);
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
    let error = session.append_json("[{]", false).err().unwrap();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
}

#[test]
fn errors() {
    let missing = Model::load("/nowhere/model.gguf").err().unwrap();
    assert_eq!(missing.code(), ErrorCode::Io);
    assert!(missing.to_string().contains("/nowhere/model.gguf"));
    let license = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../LICENSE");
    assert_eq!(Model::load(license).err().unwrap().code(), ErrorCode::Format);
    assert_eq!(Model::load("a\0b").err().unwrap().code(), ErrorCode::InvalidArgument);
    let model = Model::load(MODEL).unwrap();
    let tiny = SessionOptions { context_tokens: 8, ..Default::default() };
    let mut session = Session::with_options(&model, &tiny).unwrap();
    let long = session.append("user", "A text of more than eight tokens, surely.").err().unwrap();
    assert_eq!(long.code(), ErrorCode::ContextFull);
    assert_eq!(session.append("robot", "Hello").err().unwrap().code(), ErrorCode::InvalidArgument);
    let none = session.generate(&GenerateOptions::default()).err().unwrap();
    assert_eq!(none.code(), ErrorCode::InvalidArgument);
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
