//! A chat with streamed answers: chat MODEL.gguf [ASSISTANT.gguf]
use gemma4::{GenerateOptions, LoadOptions, Model, Piece, Session, SessionOptions};
use std::io::{self, BufRead, Write};

fn chat(model: &str, assistant: Option<&str>) -> Result<(), Box<dyn std::error::Error>> {
    let mut show = |done: u64, total: u64| {
        eprint!("\rloading: {:3.0} %", 100.0 * done as f64 / total as f64);
        true // false would cancel
    };
    let load = LoadOptions { assistant, on_progress: Some(&mut show), ..Default::default() };
    let model = Model::load_with(model, load)?;
    let options = SessionOptions { context_tokens: 4096, ..Default::default() };
    let mut session = Session::with_options(&model, &options)?;

    let mut generate = GenerateOptions::default();
    generate.sampling = model.recommended_sampling()?;
    generate.sampling.seed = 7; // the same seed gives the same answers, on any number of threads

    print!("\n> ");
    io::stdout().flush()?;
    for line in io::stdin().lock().lines() {
        session.append("user", &line?)?;
        for piece in session.generate(&generate)? {
            if let Piece::Text(text) = piece? {
                print!("{text}");
                io::stdout().flush()?;
            }
        }
        print!("\n> ");
        io::stdout().flush()?;
    }
    eprintln!("\n{:.0} tokens/s", session.statistics()?.decode_tokens_per_second);
    Ok(())
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.len() != 2 && arguments.len() != 3 {
        eprintln!("usage: chat MODEL.gguf [ASSISTANT.gguf]");
        std::process::exit(2);
    }
    if let Err(error) = chat(&arguments[1], arguments.get(2).map(String::as_str)) {
        eprintln!("{error}");
        std::process::exit(1);
    }
}
