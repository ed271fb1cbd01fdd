/* ranksweep pack: results and models in one file that can be taken elsewhere. */
#include "cli.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char help[] =
    "  RESULTS.h5          a results file; the folder with its models lies beside it\n"
    "  -o PACKED.h5        where to write, whole or not at all (default: RESULTS.packed.h5)\n"
    "  --force             also while the run is under way, and over a file that was not made by "
    "pack\n\n"
    "Every checksum is verified on the way. The packed file opens like the first one, in `show`,\n"
    "`verify` and h5py, and needs nothing beside it.\n"
    "Exit status: 0, or 1 when it cannot be written, 2 on bad usage or a bad file.\n";

typedef struct pack_arguments {
  const char *from, *to;
  bool force;
} pack_arguments;

/* EXIT_DONE: go on, unless *HELPED. */
static int parse(int argc, char **argv, pack_arguments *a, bool *helped) {
  static const struct option options[] = {{"output", required_argument, NULL, 'o'},
                                          {"force", no_argument, NULL, CLI_LONG},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
  *a = (pack_arguments){0};
  *helped = false;
  opterr = 0;
  for (int c; (c = getopt_long(argc, argv, ":o:h", options, NULL)) != -1;) {
    switch (c) {
    case CLI_LONG: a->force = true; break;
    case 'o': a->to = optarg; break;
    case 'h': *helped = true; return cli_help(&cli_pack, help);
    default: return cli_bad_option(&cli_pack, argc, argv, c);
    }
  }
  if (optind == argc) return cli_usage(&cli_pack, "which results file?");
  if (optind + 1 < argc) return cli_usage(&cli_pack, "unexpected argument %s", argv[optind + 1]);
  a->from = argv[optind];
  return EXIT_DONE;
}

/* ---- may it be done? ---------------------------------------------------------------------- */

static rs_status check_state(const pack_arguments *a, const rs_results *r) {
  if (a->force || strcmp(r->state, "complete") == 0 || strcmp(r->state, "interrupted") == 0)
    return RS_OK;
  return rs_fail(RS_ERR_CONFLICT,
                 "%s: the run is under way (state %s); --force packs what is there", a->from,
                 r->state);
}

static bool same_file(const char *a, const char *b) {
  struct stat x, y;
  return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Results of a run are not to be lost to a slip of the hand; an older packed file may be. */
static rs_status check_target(const pack_arguments *a, const char *to) {
  rs_results there;
  if (same_file(a->from, to))
    return rs_fail(RS_ERR_CONFLICT, "%s: would be packed into itself; -o names another file", to);
  if (a->force || !rs_file_exists(to)) return RS_OK;
  bool packed = rs_results_read(to, &there) == RS_OK && there.packed;
  rs_results_free(&there);
  if (packed) return RS_OK;
  return rs_fail(RS_ERR_CONFLICT, "%s: exists and was not made by pack; -o names another file", to);
}

/* ---- command ------------------------------------------------------------------------------ */

static rs_status pack_to(const pack_arguments *a, const rs_results *r, const char *to) {
  char size[32];
  size_t bytes;
  RS_TRY(check_target(a, to));
  RS_TRY(rs_results_pack(a->from, r, to, &bytes));
  print_bytes(size, sizeof size, (double)bytes);
  printf("%s: %s, %zu models\n", to, size, r->n_models);
  return cli_flush();
}

static rs_status pack(const pack_arguments *a) {
  rs_results r;
  char *name = NULL;
  RS_TRY(cli_read_results(a->from, &r));
  rs_status status = check_state(a, &r);
  if (status == RS_OK) status = rs_results_beside(a->from, ".packed.h5", &name);
  if (status == RS_OK) status = pack_to(a, &r, a->to != NULL ? a->to : name);
  free(name);
  rs_results_free(&r);
  return status;
}

static int run(int argc, char **argv) {
  pack_arguments a;
  bool helped;
  int exit_status = parse(argc, argv, &a, &helped);
  if (exit_status != EXIT_DONE || helped) return exit_status;
  rs_status status = pack(&a);
  return status == RS_OK ? EXIT_DONE : cli_fail(status);
}

const cli_command cli_pack = {
    .name = "pack",
    .usage = "pack RESULTS.h5 [-o PACKED.h5] [--force]",
    .summary = "Put results and models into one portable file.",
    .run = run,
};
