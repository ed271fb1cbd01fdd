/* Values read back from the way they are printed. */
#include <string.h>

#include "tree.h"

static rs_status value_of(const rs_setting *setting, const char *text, const char *place,
                          rs_problems *problems, rs_value *out) {
  const rs_source source = {.name = place, .lines = false};
  rs_tree *tree;
  bool fits;
  *out = (rs_value){.type = setting->type};
  RS_TRY(rs_tree_parse(&source, text, strlen(text), problems, &tree));
  if (tree == NULL) return RS_OK; /* there is a problem now */
  rs_status status =
      rs_node_value(rs_tree_root(tree), setting, setting->path, problems, out, &fits);
  rs_tree_destroy(tree);
  return status;
}

rs_status rs_settings_with_text(const rs_settings *s, const char *path, const char *text,
                                const char *place, rs_settings **out) {
  const rs_setting *setting = rs_settings_entry(s, path);
  rs_problems *problems;
  rs_value value;
  *out = NULL;
  if (setting == NULL) return rs_fail(RS_ERR_DATA, "%s: no setting `%.60s`", place, path);
  RS_TRY(rs_problems_create(&problems));
  rs_status status = value_of(setting, text, place, problems, &value);
  if (status == RS_OK) status = rs_problems_status(problems);
  if (status == RS_OK) status = rs_settings_with(s, path, &value, place, out);
  rs_value_free(&value);
  rs_problems_destroy(problems);
  return status == RS_ERR_USAGE ? RS_ERR_DATA : status; /* nobody has just typed it */
}
