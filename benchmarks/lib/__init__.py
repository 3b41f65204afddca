"""What benchmarks share: runner, timing, subjects, fixtures, figures and the page made of them."""
