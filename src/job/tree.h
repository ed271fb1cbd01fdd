/* YAML text as a tree of nodes that know their places. The only owner of libyaml. */
#ifndef JOB_TREE_H
#define JOB_TREE_H

#include "scalar.h"

typedef enum rs_node_kind { RS_NODE_SCALAR, RS_NODE_LIST, RS_NODE_MAP } rs_node_kind;

/* Where a tree was read. */
typedef struct rs_source {
  const char *name; /* a file, or all of "--set key=value" */
  bool lines;       /* do line and column say anything? */
} rs_source;

typedef struct rs_node {
  rs_node_kind kind;
  bool quoted;
  char *text;          /* scalars */
  size_t line, column; /* from 1 */
  const rs_source *source;
  struct rs_node *key;                 /* in a mapping: the key of this value */
  const struct rs_node *twin;          /* an earlier value under the same key of the mapping */
  struct rs_node *first, *last, *next; /* children; next sibling */
  size_t count;                        /* children */
  struct rs_node *parent;
  struct rs_node *link; /* all nodes of the tree, to free them */
} rs_node;

typedef struct rs_tree rs_tree;

/* Parse one document of LEN bytes. Syntax errors, anchors, tags and texts beyond the limits (size,
 * nesting, number of nodes) become a problem, and *OUT is NULL then. SOURCE outlives the tree. */
rs_status rs_tree_parse(const rs_source *source, const char *text, size_t len,
                        rs_problems *problems, rs_tree **out) RS_MUST_CHECK;
void rs_tree_destroy(rs_tree *tree);
const rs_node *rs_tree_root(const rs_tree *tree); /* never NULL */

#define RS_TREE_BYTES (1024 * 1024) /* largest text */

bool rs_node_is_null(const rs_node *node);
rs_scalar rs_node_scalar(const rs_node *node);

/* Append "file:line:column". */
void rs_node_place(const rs_node *node, rs_str *out);

/* rs_problem_add at the node's place. */
void rs_node_problem(rs_problems *problems, const rs_node *node, const char *format, ...)
    RS_PRINTF(3, 4);

/* The value of SETTING that NODE holds into *OUT; *FITS is false after a misfit, which is reported
 * under LABEL, each element of a list at its own place. */
rs_status rs_node_value(const rs_node *node, const rs_setting *setting, const char *label,
                        rs_problems *problems, rs_value *out, bool *fits) RS_MUST_CHECK;

#endif
