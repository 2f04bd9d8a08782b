use partools::frame::arrow_array::{Float64Array, StringArray};
use partools::frame::{Frame, FrameError, agg};
use partools::{Fork, Serial, Threads};
use std::sync::Arc;

fn main() -> Result<(), FrameError> {
    let flights = Frame::new([
        ("origin", Arc::new(StringArray::from(vec!["EWR", "JFK", "EWR", "EWR"])) as _),
        ("delay", Arc::new(Float64Array::from(vec![Some(4.0), Some(1.0), None, Some(-3.0)])) as _),
    ])?;
    let worst = flights
        .group_by(["origin"]) // .sort(false), .dropna(false), .observed(false), .presorted(), .retries(1), ...
        .apply(|group| Ok(group.valid::<f64>("delay")?.iter().copied().reduce(f64::max)))
        .named(["worst"]);
    assert_eq!(worst.run(&Threads::new())?.values::<f64>("worst")?, [4.0, 1.0]);
    let means = flights.group_by(["origin"]).agg([agg::count("delay"), agg::mean("delay")]).run(&Serial)?;
    assert_eq!(means.values::<f64>("delay_mean")?, [0.5, 1.0]);

    // A group that crashes is named, and costs no other group.
    let shaky = flights.group_by(["origin"]).apply(|group| {
        if group.len() == 1 { std::process::abort() }
        group.len()
    });
    let part = shaky.try_run(&Fork::new().workers(2))?;
    assert_eq!(part.frame().values::<u64>("value")?, [3]);
    assert_eq!(part.failures()[0].to_string(), r#"group (origin = "JFK"): had its worker process killed by SIGABRT"#);
    Ok(())
}
