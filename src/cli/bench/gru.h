/* ranksweep bench gru: a training step of the recurrent denoiser. ARGV[0] is "gru". */
#ifndef RANKSWEEP_CLI_BENCH_GRU_H
#define RANKSWEEP_CLI_BENCH_GRU_H

int bench_gru(int argc, char **argv);

#endif
