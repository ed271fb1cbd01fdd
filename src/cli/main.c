/* ranksweep: picks the subcommand. */
#include "cli.h"
#include "launch/world.h"

#include <stdlib.h>
#include <string.h>

static const cli_command *const commands[] = {
    &cli_run,   &cli_plan,   &cli_submit,  &cli_status,  &cli_show,  &cli_export, &cli_pack,
    &cli_merge, &cli_verify, &cli_denoise, &cli_speaker, &cli_kinds, &cli_doctor, &cli_bench};

static void print_overview(FILE *to) {
  fprintf(
      to,
      "ranksweep %s: distributed parallel experiment sweeper\n\nusage: ranksweep COMMAND ...\n\n",
      RS_VERSION);
  for (size_t i = 0; i < RS_COUNT(commands); i++)
    fprintf(to, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
  fprintf(
      to,
      "\n`ranksweep COMMAND --help` tells more. A first run: ranksweep run jobs/quickstart.yaml\n");
}

static const char *nearest_command(const char *word) {
  for (size_t i = 0; i < RS_COUNT(commands); i++)
    if (word[0] == commands[i]->name[0]) return commands[i]->name;
  return NULL;
}

int main(int argc, char **argv) {
  rs_fault_arm(getenv("RANKSWEEP_KILL_AT"));
  if (argc < 2) {
    print_overview(stderr);
    return EXIT_USAGE;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
      strcmp(argv[1], "help") == 0) {
    print_overview(stdout);
    return EXIT_DONE;
  }
  if (strcmp(argv[1], "--version") == 0) {
    printf("ranksweep %s\n", RS_VERSION);
    return EXIT_DONE;
  }
  if (strcmp(argv[1], cli_run.name) == 0) world_release_threads(argv);
  for (size_t i = 0; i < RS_COUNT(commands); i++)
    if (strcmp(argv[1], commands[i]->name) == 0) return commands[i]->run(argc - 1, argv + 1);
  const char *near = nearest_command(argv[1]);
  fprintf(stderr, "ranksweep: no command \"%s\"%s%s%s; `ranksweep --help` lists them\n", argv[1],
          near != NULL ? "; did you mean `" : "", near != NULL ? near : "",
          near != NULL ? "`?" : "");
  return EXIT_USAGE;
}
