# An R package as a contender: reads an order, makes the inputs, and does rounds, as `benches/src/serve.rs` says.
#
# The first line of standard input is the order, in JSON; then a line for each round. Every line is answered with one of
# JSON. `compare --with-peers` starts it.

suppressPackageStartupMessages(library(jsonlite))
P <- 2^31 - 1
say <- function(answer) {
  cat(toJSON(answer, auto_unbox = TRUE, digits = NA), "\n", sep = "")
  flush(stdout())
}
cannot <- function(why) stop(structure(class = c("cannot", "error", "condition"), list(message = why, call = NULL)))

# What all sections are of; workers are forked, so they have it without a copy.
numbers <- NULL
noop <- function(x) x * 2 + 1
timed <- function(nanoseconds) {
  if (nanoseconds >= 1e6) {
    # Long items count the processor time of their process.
    used <- function() sum(proc.time()[1:2])
    end <- used() + nanoseconds / 1e9
    while (used() < end) NULL
  } else if (nanoseconds > 0) {
    end <- as.numeric(Sys.time()) + nanoseconds / 1e9
    while (as.numeric(Sys.time()) < end) NULL
  }
  nanoseconds
}
section <- function(item) {
  total <- sum(numbers[(item[1] + 1):item[2]])
  if (item[3] > 0) Sys.sleep(item[3] / 1000)
  total
}
text <- function(item) sprintf("item %d of a list of many strings", item)
bytes <- function(item) rep(as.raw(item[1] %% 251 + 1), item[2])

times <- function(runs) as.list(rep(runs[, 2], runs[, 1]))
inputs <- function(shape) {
  plain <- function(f, items, of = as.numeric) list(f = f, items = items, watched = items, of = of)
  if (shape$shape == "noop") {
    if (shape$count > 2e6) cannot("a list of so many numbers takes R minutes")
    return(plain(noop, as.list(as.numeric(seq_len(shape$count) - 1))))
  }
  if (shape$shape %in% c("timed", "warm")) return(plain(timed, times(shape$runs)))
  if (shape$shape == "mixed") return(plain(timed, rep(list(0), shape$cheap)))
  if (shape$shape == "sum") {
    if (shape$memory != "plain") cannot("R decides itself what memory its vectors lie in")
    numbers <<- numeric(shape$len)
    for (start in seq(0, shape$len - 1, by = 4e6)) {
      index <- start:(min(start + 4e6, shape$len) - 1)
      numbers[index + 1] <<- (index * 7919 + 13) %% 1021
    }
    cut <- floor((0:shape$sections) * shape$len / shape$sections)
    items <- function(rest) lapply(seq_len(shape$sections), function(i) c(cut[i], cut[i + 1], rest))
    return(list(f = section, items = items(0), watched = items(5), of = as.numeric))
  }
  if (shape$shape == "output" && shape$kind == "number") {
    return(plain(function(item) item * 3 + 1, as.list(seq_len(shape$count) - 1)))
  }
  if (shape$shape == "output" && shape$kind == "bytes") {
    items <- lapply(seq_len(shape$count) - 1, function(i) c(i, shape$size))
    return(plain(bytes, items, function(output) sum(as.numeric(output))))
  }
  if (shape$shape == "output" && shape$kind == "text") {
    return(plain(text, as.list(seq_len(shape$count) - 1L), function(output) sum(utf8ToInt(output))))
  }
  cannot(paste("peers.R has no", shape$shape, if (!is.null(shape$kind)) shape$kind else ""))
}

digest <- function(outputs, of) {
  values <- vapply(outputs, of, 0) %% P
  weights <- (seq_along(values) - 1) %% 1021 + 1
  sum(values * weights %% P) %% P
}

input <- file("stdin", "r")
order <- fromJSON(readLines(input, 1))
shape <- order$shape
map <- switch(order$who,
  mclapply = function(items, f) parallel::mclapply(items, f, mc.cores = order$workers),
  future.apply = {
    options(future.globals.maxSize = Inf)
    future::plan(future::multicore, workers = order$workers)
    function(items, f) future.apply::future_lapply(items, f)
  }
)
ready <- tryCatch(inputs(shape), cannot = function(why) {
  say(list(cannot = conditionMessage(why)))
  quit("no")
})
say(list(ready = TRUE))
repeats <- 1
while (length(line <- readLines(input, 1)) > 0) {
  watched <- line == "watched"
  items <- if (watched) ready$watched else ready$items
  before <- sum(proc.time()[c(1, 2, 4, 5)])
  begun <- as.numeric(Sys.time())
  times_now <- if (shape$shape %in% c("warm", "mixed")) shape$maps else repeats
  for (i in seq_len(times_now)) outputs <- map(items, ready$f)
  if (shape$shape == "mixed") outputs <- map(times(shape$runs), ready$f)
  spent <- as.numeric(Sys.time()) - begun
  cpu <- sum(proc.time()[c(1, 2, 4, 5)]) - before
  of <- if (shape$shape %in% c("warm", "mixed")) 1 else repeats
  if (!watched) repeats <- max(1, min(20000, floor(order$target_s / (spent / of))))
  bad <- Filter(function(output) inherits(output, "try-error"), outputs)
  if (length(bad) > 0) {
    say(list(failed = substr(as.character(bad[[1]]), 1, 200)))
  } else {
    say(list(seconds = spent / of, cpu_s = cpu / of, repeats = of, digest = digest(outputs, ready$of)))
  }
}
