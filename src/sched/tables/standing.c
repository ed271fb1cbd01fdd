#include "standing.h"

rs_standing standing_of(const rs_run_view *view) {
  return (rs_standing){.elapsed = view->elapsed,
                       .eta = view->eta,
                       .trials_per_hour = view->trials_per_hour,
                       .trials_total = (int64_t)view->trials_total,
                       .workers = view->workers,
                       .idle = view->idle};
}

enum { STAGE, KIND, ROOT, RANKS, FRACTION, EPOCH, EPOCHS, LOSS, SECONDS };
static const rs_column columns[] = {
    [STAGE] = {"stage", RS_COLUMN_INT, NULL, "Number of the stage"},
    [KIND] = {"kind", RS_COLUMN_TEXT, NULL, "What the stage does"},
    [ROOT] = {"root", RS_COLUMN_INT, NULL, "MPI rank of its group's root"},
    [RANKS] = {"mpi_ranks", RS_COLUMN_INT, NULL, "MPI ranks of its group"},
    [FRACTION] = {"fraction", RS_COLUMN_FLOAT, NULL, "Share of its steps that are done"},
    [EPOCH] = {"epoch", RS_COLUMN_INT, "epochs", "Epochs done"},
    [EPOCHS] = {"epochs", RS_COLUMN_INT, "epochs", "Epochs in all; 0: it has none"},
    [LOSS] = {"loss", RS_COLUMN_FLOAT, NULL, "Training loss at its last report"},
    [SECONDS] = {"seconds", RS_COLUMN_FLOAT, "s", "Time since this attempt began"},
};

static rs_status add_row(rs_table *t, const rs_running_view *view) {
  size_t row;
  RS_TRY(rs_table_add_row(t, &row));
  rs_table_set_int(t, row, STAGE, view->stage);
  rs_table_set_int(t, row, ROOT, view->root);
  rs_table_set_int(t, row, RANKS, view->ranks);
  rs_table_set_float(t, row, FRACTION, view->fraction);
  rs_table_set_int(t, row, EPOCH, (int64_t)view->epoch);
  rs_table_set_int(t, row, EPOCHS, (int64_t)view->epochs);
  rs_table_set_float(t, row, LOSS, view->loss);
  rs_table_set_float(t, row, SECONDS, view->seconds);
  return rs_table_set_text(t, row, KIND, view->name);
}

rs_status standing_running(const rs_run_view *view, rs_table **out) {
  RS_TRY(rs_table_create(columns, RS_COUNT(columns), out));
  rs_status status = RS_OK;
  for (size_t i = 0; status == RS_OK && i < view->n_running; i++)
    status = add_row(*out, &view->running[i]);
  if (status == RS_OK) return RS_OK;
  rs_table_destroy(*out);
  *out = NULL;
  return status;
}
