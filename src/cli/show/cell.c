/* Columns of a results file and their cells, for people. */
#include "show.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* ---- columns ------------------------------------------------------------------------------ */

show_role show_role_of(const rs_column *column) {
  static const struct {
    const char *name;
    show_role role;
  } known[] = {
      {"trial", SHOW_TRIAL},     {"state", SHOW_STATE},           {"seed", SHOW_SWEPT},
      {"seconds", SHOW_SECONDS}, {"parameters", SHOW_PARAMETERS}, {"attempts", SHOW_OTHER},
      {"epochs", SHOW_OTHER},    {"mpi_ranks", SHOW_OTHER},       {"threads", SHOW_OTHER},
      {"stage", SHOW_OTHER},     {"message", SHOW_OTHER},
  };
  for (size_t i = 0; i < RS_COUNT(known); i++)
    if (strcmp(column->name, known[i].name) == 0) return known[i].role;
  return strchr(column->name, '.') != NULL ? SHOW_SWEPT : SHOW_METRIC;
}

int show_find(const rs_table *t, const char *name, rs_column_type type) {
  int column = rs_table_find(t, name);
  return column >= 0 && rs_table_column(t, (size_t)column)->type == type ? column : -1;
}

int64_t show_int(const rs_table *t, size_t row, const char *name, int64_t otherwise) {
  int column = show_find(t, name, RS_COLUMN_INT);
  return column >= 0 ? rs_table_int(t, row, (size_t)column) : otherwise;
}

double show_float(const rs_table *t, size_t row, const char *name) {
  int column = show_find(t, name, RS_COLUMN_FLOAT);
  return column >= 0 ? rs_table_float(t, row, (size_t)column) : NAN;
}

const char *show_text(const rs_table *t, size_t row, const char *name) {
  int column = show_find(t, name, RS_COLUMN_TEXT);
  return column >= 0 ? rs_table_text(t, row, (size_t)column) : "";
}

/* ---- numbers ------------------------------------------------------------------------------ */

/* The word that 0 stands for, from the end of a column's long name; 0 bytes: none. */
static size_t zero_word(const rs_column *column, const char **word) {
  static const char phrase[] = " 0 stands for ";
  const char *at = NULL;
  for (const char *p = column->long_name; p != NULL && (p = strstr(p, phrase)) != NULL; p++) at = p;
  if (at == NULL) return 0;
  *word = at + strlen(phrase);
  size_t n = strlen(*word);
  return n > 1 && (*word)[n - 1] == '.' ? n - 1 : 0;
}

/* Metrics between 0 and 1 whose fourth decimal still means something. */
static bool is_share(const char *name) {
  static const char *const words[] = {"accuracy", "auc", "eer", "energy"};
  for (size_t i = 0; i < RS_COUNT(words); i++)
    if (strstr(name, words[i]) != NULL) return true;
  return false;
}

static void add_float(const rs_column *column, double value, rs_str *out) {
  double size = fabs(value);
  if (show_role_of(column) == SHOW_SECONDS)
    rs_str_addf(out, "%.2f", value);
  else if (show_role_of(column) == SHOW_SWEPT)
    rs_str_addf(out, "%.9g", value);
  else if (is_share(column->name))
    rs_str_addf(out, "%.4f", value);
  else if (size >= 1e3 && size < 1e9)
    rs_str_addf(out, value == floor(value) ? "%.0f" : "%.1f", value);
  else
    rs_str_addf(out, "%.4g", value);
}

static void add_int(const rs_column *column, int64_t value, rs_str *out) {
  char grouped[64];
  print_grouped(grouped, sizeof grouped, (double)value);
  if (show_role_of(column) == SHOW_PARAMETERS)
    rs_str_add(out, grouped);
  else
    rs_str_addf(out, "%" PRId64, value);
}

/* ---- cells -------------------------------------------------------------------------------- */

bool show_empty(const rs_table *t, size_t row, size_t column) {
  const rs_column *c = rs_table_column(t, column);
  show_role role = show_role_of(c);
  switch (c->type) {
  case RS_COLUMN_INT:
    return (role == SHOW_PARAMETERS || role == SHOW_OTHER) && rs_table_int(t, row, column) == 0;
  case RS_COLUMN_FLOAT: return isnan(rs_table_float(t, row, column));
  case RS_COLUMN_TEXT: break;
  }
  return rs_table_text(t, row, column)[0] == '\0';
}

void show_add_value(const rs_table *t, size_t row, size_t column, rs_str *out) {
  const rs_column *c = rs_table_column(t, column);
  const char *word = NULL;
  size_t n = 0;
  if (c->type != RS_COLUMN_TEXT && rs_table_number(t, row, column) == 0) n = zero_word(c, &word);
  if (n > 0)
    rs_str_addf(out, "%.*s", (int)n, word);
  else if (show_empty(t, row, column))
    rs_str_add(out, "-");
  else if (c->type == RS_COLUMN_INT)
    add_int(c, rs_table_int(t, row, column), out);
  else if (c->type == RS_COLUMN_FLOAT)
    add_float(c, rs_table_float(t, row, column), out);
  else
    show_add_text(out, rs_table_text(t, row, column));
}

void show_add_share(rs_str *out, const rs_results *r) {
  if (r->share == NULL) return;
  rs_str_add(out, "share ");
  show_add_text(out, r->share);
  rs_str_add(out, ", ");
}

void show_add_text(rs_str *out, const char *text) {
  for (; *text != '\0'; text++) {
    bool control = (unsigned char)*text < 0x20 || *text == 0x7f;
    rs_str_addn(out, control ? " " : text, 1);
  }
}

static rs_status put(text_table *to, rs_str *text) {
  rs_status status = rs_str_status(text);
  if (status == RS_OK) status = text_table_cell(to, "%s", text->text != NULL ? text->text : "");
  rs_str_free(text);
  return status;
}

rs_status show_put(text_table *to, const rs_table *t, size_t row, size_t column) {
  rs_str text = {0};
  show_add_value(t, row, column, &text);
  return put(to, &text);
}

rs_status show_put_text(text_table *to, const char *text) {
  rs_str clean = {0};
  show_add_text(&clean, text);
  return put(to, &clean);
}
