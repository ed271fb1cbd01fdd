#include "provenance.h"

#include "build_facts.h"
#include "ranksweep/comm.h"
#include "ranksweep/num.h"

#include <stdlib.h>
#include <string.h>

typedef struct start {
  const rs_coordinate_options *options;
  const rs_transport *transport;
} start;

static json_t *text_or_empty(const char *text) {
  return json_string(text != NULL ? text : "");
}

/* ---- ranks ---------------------------------------------------------------------------------- */

typedef const char *(*rank_fact)(const rs_transport *t, int rank);

/* First rank with the same fact as RANK. */
static int first_alike(const rs_transport *t, rank_fact fact, int rank) {
  int first = 0;
  while (strcmp(fact(t, first), fact(t, rank)) != 0) first++;
  return first;
}

/* "n1 x2, n2 x1" in the order of the ranks; *KINDS: how many different ones. */
static json_t *tally(const rs_transport *t, rank_fact fact, int *kinds) {
  int size = rs_transport_size(t), *counts;
  rs_str text = {0};
  *kinds = 0;
  if (rs_new(&counts, (size_t)size, sizeof *counts) != RS_OK) return NULL;
  for (int rank = 0; rank < size; rank++) counts[first_alike(t, fact, rank)]++;
  for (int rank = 0; rank < size; rank++) {
    if (counts[rank] == 0) continue;
    rs_str_addf(&text, "%s%s x%d", text.len > 0 ? ", " : "", fact(t, rank), counts[rank]);
    ++*kinds;
  }
  json_t *out = rs_str_status(&text) == RS_OK ? json_string(text.text) : NULL;
  rs_str_free(&text);
  free(counts);
  return out;
}

static json_t *hosts(const start *s) {
  int kinds;
  return tally(s->transport, rs_transport_host, &kinds);
}

/* The coordinator's alone where all are the same. */
static json_t *processors(const start *s) {
  int kinds;
  json_t *all = tally(s->transport, rs_transport_processor, &kinds);
  if (kinds > 1) return all;
  json_decref(all);
  return json_string(rs_transport_processor(s->transport, 0));
}

static json_t *host(const start *s) {
  return json_string(rs_transport_host(s->transport, 0));
}

static json_t *mpi_ranks(const start *s) {
  return json_integer(rs_transport_size(s->transport));
}

static json_t *threads(const start *s) {
  return json_integer(s->options->threads);
}

/* ---- time and libraries --------------------------------------------------------------------- */

static json_t *now(const start *s) {
  char text[RS_CLOCK_TEXT];
  (void)s;
  rs_clock_utc(text);
  return json_string(text);
}

static json_t *mpi(const start *s) {
  char text[256];
  (void)s;
  rs_comm_library(text, sizeof text);
  return json_string(text);
}

static json_t *blas(const start *s) {
  (void)s;
  return json_string(rs_num_blas_config());
}

static json_t *blas_core(const start *s) {
  (void)s;
  return json_string(rs_num_blas_core());
}

static json_t *hdf5(const start *s) {
  char text[64];
  (void)s;
  rs_store_library(text, sizeof text);
  return json_string(text);
}

/* ---- what the caller knows ------------------------------------------------------------------ */

static json_t *command(const start *s) {
  return text_or_empty(s->options->command_line);
}

static json_t *environment(const start *s) {
  return text_or_empty(s->options->environment);
}

static json_t *data(const start *s) {
  return text_or_empty(s->options->fingerprint);
}

/* ---- columns -------------------------------------------------------------------------------- */

/* A column, and what to write in it: a text that is the same for every start of this program, or
 * what `tell` says (NULL: out of memory). */
static const struct {
  rs_column column;
  const char *text;
  json_t *(*tell)(const start *s);
} facts[] = {
    {{"time", RS_COLUMN_TEXT, NULL, "When this start was (UTC)"}, .tell = now},
    {{"command", RS_COLUMN_TEXT, NULL, "Command line"}, .tell = command},
    {{"version", RS_COLUMN_TEXT, NULL, "Version of ranksweep"}, .text = RS_VERSION},
    {{"source", RS_COLUMN_TEXT, NULL, "Version of its source: git describe when it was built"},
     .text = build_source},
    {{"build_type", RS_COLUMN_TEXT, NULL, "CMake build type"}, .text = build_type},
    {{"compiler", RS_COLUMN_TEXT, NULL, "Compiler that built it"}, .text = build_compiler},
    {{"flags", RS_COLUMN_TEXT, NULL, "Compiler flags other than warnings"}, .text = build_flags},
    {{"host", RS_COLUMN_TEXT, NULL, "Host of the coordinator"}, .tell = host},
    {{"hosts", RS_COLUMN_TEXT, NULL, "Hosts of all ranks, and how many ran on each"},
     .tell = hosts},
    {{"cpu", RS_COLUMN_TEXT, NULL, "Processor; where hosts differ, each with its ranks"},
     .tell = processors},
    {{"mpi_ranks", RS_COLUMN_INT, NULL, "MPI ranks, the coordinator included"}, .tell = mpi_ranks},
    {{"threads", RS_COLUMN_INT, NULL,
      "OpenMP threads of a worker. 0 stands for the cores it may use."},
     .tell = threads},
    {{"mpi", RS_COLUMN_TEXT, NULL, "MPI library"}, .tell = mpi},
    {{"blas", RS_COLUMN_TEXT, NULL, "OpenBLAS build"}, .tell = blas},
    {{"blas_core", RS_COLUMN_TEXT, NULL, "Kernels that OpenBLAS chose"}, .tell = blas_core},
    {{"hdf5", RS_COLUMN_TEXT, NULL, "HDF5 library"}, .tell = hdf5},
    {{"environment", RS_COLUMN_TEXT, NULL, "Environment variables that matter"},
     .tell = environment},
    {{"data", RS_COLUMN_TEXT, NULL, "Files of the data with the XXH3-64 of their bytes"},
     .tell = data},
};

json_t *provenance_row(const rs_coordinate_options *options, const rs_transport *t) {
  const start s = {options, t};
  json_t *row = json_object();
  for (size_t i = 0; row != NULL && i < RS_COUNT(facts); i++) {
    json_t *value = facts[i].text != NULL ? json_string(facts[i].text) : facts[i].tell(&s);
    if (json_object_set_new(row, facts[i].column.name, value) == 0) continue;
    json_decref(row);
    row = NULL;
  }
  return row;
}

rs_status provenance_table_create(rs_table **out) {
  rs_column columns[RS_COUNT(facts)];
  for (size_t i = 0; i < RS_COUNT(facts); i++) columns[i] = facts[i].column;
  return rs_table_create(columns, RS_COUNT(facts), out);
}

rs_status provenance_table_add(rs_table *t, const json_t *known) {
  size_t row;
  RS_TRY(rs_table_add_row(t, &row));
  for (size_t i = 0; i < RS_COUNT(facts); i++) {
    const json_t *value = json_object_get(known, facts[i].column.name);
    if (facts[i].column.type == RS_COLUMN_INT)
      rs_table_set_int(t, row, i, json_integer_value(value));
    else
      RS_TRY(rs_table_set_text(t, row, i, json_string_value(value)));
  }
  return RS_OK;
}
