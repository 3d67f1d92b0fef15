//! stream MODEL COUNT: answers with the seeds 1 ... COUNT; prints their pieces, their bytes and the
//! seconds that making and taking them took.
use gemma4::{GenerateOptions, Model, Piece, Session, SessionOptions};
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let model = Model::load(&arguments[1])?;
    let mut generate = GenerateOptions { max_tokens: 256, ..Default::default() };
    generate.sampling = model.recommended_sampling()?;
    let (mut pieces, mut bytes, mut time) = (0, 0, Duration::ZERO);
    for seed in 1..=arguments[2].parse()? {
        let options = SessionOptions { context_tokens: 1024, ..Default::default() };
        let mut session = Session::with_options(&model, &options)?;
        session.append("user", "Tell me a story.")?;
        generate.sampling.seed = seed;
        let start = Instant::now();
        for piece in session.generate(&generate)? {
            pieces += 1;
            if let Piece::Text(text) = piece? {
                bytes += text.len();
            }
        }
        time += start.elapsed();
    }
    println!("{pieces} {bytes} {:.6}", time.as_secs_f64());
    Ok(())
}
