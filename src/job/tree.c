/* libyaml's events become a tree. */
#include "tree.h"

#include <stdlib.h>
#include <string.h>

#include <yaml.h>

enum { MAX_DEPTH = 32, MAX_NODES = 200000 };

struct rs_tree {
  rs_node *root;
  rs_node *nodes; /* all, by `link` */
};

typedef struct builder {
  yaml_parser_t parser;
  const rs_source *source;
  const char *text;
  size_t len;
  rs_problems *problems;
  rs_tree *tree;
  rs_node *open; /* the container being filled */
  rs_node *key;  /* of the value that comes next */
  size_t depth, nodes, documents;
  bool refused, ended;
} builder;

/* ---- refusals ------------------------------------------------------------------------------- */

static void refuse(builder *b, yaml_mark_t mark, const char *reason) {
  rs_node at = {.source = b->source, .line = mark.line + 1, .column = mark.column + 1};
  rs_node_problem(b->problems, &at, "%s", reason);
  b->refused = true;
}

/* Place of byte OFFSET, for errors of libyaml's reader, which has no marks. */
static yaml_mark_t mark_of(const builder *b, size_t offset) {
  yaml_mark_t mark = {.index = offset};
  for (size_t i = 0; i < offset && i < b->len; i++) {
    if (b->text[i] == '\n') {
      mark.line++;
      mark.column = 0;
    } else if (((unsigned char)b->text[i] & 0xc0) != 0x80) {
      mark.column++;
    }
  }
  return mark;
}

/* Does a tab indent line LINE (from 0)? YAML forbids it and libyaml only says what it then stumbled
 * over. */
static bool tab_indents(const builder *b, size_t line) {
  const char *p = b->text, *end = b->text + b->len;
  while (line-- > 0) {
    const char *newline = memchr(p, '\n', (size_t)(end - p));
    if (newline == NULL) return false;
    p = newline + 1;
  }
  while (p < end && *p == ' ') p++;
  return p < end && *p == '\t';
}

static rs_status refuse_syntax(builder *b) {
  const yaml_parser_t *p = &b->parser;
  rs_str reason = {0};
  if (p->error == YAML_MEMORY_ERROR)
    return rs_fail(RS_ERR_NOMEM, "out of memory: %s", b->source->name);
  bool reader = p->error == YAML_READER_ERROR;
  yaml_mark_t mark = reader ? mark_of(b, p->problem_offset) : p->problem_mark;
  rs_str_addf(&reason, "not valid YAML: %s", p->problem != NULL ? p->problem : "unknown error");
  if (p->context != NULL) rs_str_addf(&reason, " (%s", p->context);
  if (p->context != NULL && b->source->lines && p->context_mark.line != mark.line)
    rs_str_addf(&reason, " that starts in line %zu", p->context_mark.line + 1);
  if (p->context != NULL) rs_str_add(&reason, ")");
  if (!reader && tab_indents(b, mark.line)) rs_str_add(&reason, "; indent with spaces, not tabs");
  rs_status status = rs_str_status(&reason);
  if (status == RS_OK) refuse(b, mark, reason.text);
  rs_str_free(&reason);
  return status;
}

/* ---- nodes ---------------------------------------------------------------------------------- */

static rs_status new_node(builder *b, rs_node_kind kind, yaml_mark_t mark, rs_node **out) {
  RS_TRY(rs_new(out, 1, sizeof **out));
  rs_node *node = *out;
  node->kind = kind;
  node->source = b->source;
  node->line = mark.line + 1;
  node->column = mark.column + 1;
  node->link = b->tree->nodes;
  b->tree->nodes = node;
  return RS_OK;
}

static void attach(builder *b, rs_node *node) {
  rs_node *parent = b->open;
  node->parent = parent;
  if (parent == NULL) {
    b->tree->root = node;
    return;
  }
  if (parent->kind == RS_NODE_MAP && b->key == NULL) {
    b->key = node;
    return;
  }
  node->key = b->key;
  b->key = NULL;
  if (parent->last != NULL)
    parent->last->next = node;
  else
    parent->first = node;
  parent->last = node;
  parent->count++;
}

static bool awaits_key(const builder *b) {
  return b->open != NULL && b->open->kind == RS_NODE_MAP && b->key == NULL;
}

/* What may not be written at all: it costs more in surprises than it saves in typing. */
static bool is_refused(builder *b, const yaml_event_t *event, const void *anchor, const void *tag) {
  if (anchor != NULL)
    refuse(b, event->start_mark, "anchors (`&`) are not supported; write the value out");
  else if (tag != NULL)
    refuse(b, event->start_mark, "tags (`!`) are not supported; write the value without");
  else if (++b->nodes > MAX_NODES)
    refuse(b, event->start_mark, "more than 200000 values");
  return b->refused;
}

static rs_status add_scalar(builder *b, const yaml_event_t *event) {
  if (is_refused(b, event, event->data.scalar.anchor, event->data.scalar.tag)) return RS_OK;
  const char *text = (const char *)event->data.scalar.value;
  bool merge = awaits_key(b) && strcmp(text, "<<") == 0;
  if (strlen(text) != event->data.scalar.length)
    refuse(b, event->start_mark, "a text may not hold a NUL character");
  else if (merge && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
    refuse(b, event->start_mark, "merge keys (`<<`) are not supported; write the values out");
  if (b->refused) return RS_OK;
  rs_node *node;
  RS_TRY(new_node(b, RS_NODE_SCALAR, event->start_mark, &node));
  node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
  attach(b, node);
  return rs_strdup(&node->text, text);
}

static rs_status open_container(builder *b, const yaml_event_t *event, rs_node_kind kind,
                                const void *anchor, const void *tag) {
  if (is_refused(b, event, anchor, tag)) return RS_OK;
  if (awaits_key(b))
    refuse(b, event->start_mark, "a key must be a name, not a list or mapping");
  else if (b->depth >= MAX_DEPTH)
    refuse(b, event->start_mark, "nested more than 32 levels deep");
  if (b->refused) return RS_OK;
  rs_node *node;
  RS_TRY(new_node(b, kind, event->start_mark, &node));
  attach(b, node);
  b->open = node;
  b->depth++;
  return RS_OK;
}

/* ---- duplicate keys ------------------------------------------------------------------------- */

static int by_key(const void *left, const void *right) {
  const rs_node *a = *(rs_node *const *)left, *b = *(rs_node *const *)right;
  int order = strcmp(a->key->text, b->key->text);
  if (order != 0) return order;
  if (a->key->line != b->key->line) return a->key->line < b->key->line ? -1 : 1;
  return a->key->column < b->key->column ? -1 : a->key->column > b->key->column;
}

static rs_status mark_twins(rs_node *map) {
  rs_node **order;
  RS_TRY(rs_new(&order, map->count, sizeof *order));
  size_t n = 0;
  for (rs_node *child = map->first; child != NULL; child = child->next) order[n++] = child;
  qsort(order, n, sizeof *order, by_key);
  for (size_t i = 1; i < n; i++)
    if (strcmp(order[i - 1]->key->text, order[i]->key->text) == 0)
      order[i]->twin = order[i - 1]->twin != NULL ? order[i - 1]->twin : order[i - 1];
  free(order);
  return RS_OK;
}

static rs_status close_container(builder *b) {
  rs_node *node = b->open;
  b->open = node->parent;
  b->depth--;
  return node->kind == RS_NODE_MAP ? mark_twins(node) : RS_OK;
}

/* ---- events --------------------------------------------------------------------------------- */

static rs_status handle(builder *b, const yaml_event_t *event) {
  switch (event->type) {
  case YAML_STREAM_END_EVENT: b->ended = true; return RS_OK;
  case YAML_DOCUMENT_START_EVENT:
    if (++b->documents > 1) refuse(b, event->start_mark, "expected one document, got a second one");
    return RS_OK;
  case YAML_ALIAS_EVENT:
    refuse(b, event->start_mark, "aliases (`*`) are not supported; write the value out");
    return RS_OK;
  case YAML_SCALAR_EVENT: return add_scalar(b, event);
  case YAML_SEQUENCE_START_EVENT:
    return open_container(b, event, RS_NODE_LIST, event->data.sequence_start.anchor,
                          event->data.sequence_start.tag);
  case YAML_MAPPING_START_EVENT:
    return open_container(b, event, RS_NODE_MAP, event->data.mapping_start.anchor,
                          event->data.mapping_start.tag);
  case YAML_SEQUENCE_END_EVENT:
  case YAML_MAPPING_END_EVENT: return close_container(b);
  default: return RS_OK;
  }
}

static rs_status build(builder *b) {
  rs_status status = RS_OK;
  while (status == RS_OK && !b->refused && !b->ended) {
    yaml_event_t event;
    if (!yaml_parser_parse(&b->parser, &event)) return refuse_syntax(b);
    status = handle(b, &event);
    yaml_event_delete(&event);
  }
  return status;
}

/* The first line that starts with HEAD, NULL when none does. */
static const char *find_line(const builder *b, const char *head) {
  size_t n = strlen(head);
  const char *p = b->text, *end = b->text + b->len;
  while (p != NULL && (size_t)(end - p) >= n && memcmp(p, head, n) != 0) {
    p = memchr(p, '\n', (size_t)(end - p));
    if (p != NULL) p++;
  }
  return p != NULL && (size_t)(end - p) >= n ? p : NULL;
}

/* Faults that libyaml would report less clearly, or not at all, or late: its time grows with the
 * square of the number of tag directives. */
static bool is_readable(builder *b) {
  const char *nul = b->len > 0 ? memchr(b->text, '\0', b->len) : NULL;
  const char *directive = find_line(b, "%TAG");
  rs_node at = {.source = b->source, .line = 1, .column = 1};
  if (b->len > RS_TREE_BYTES) {
    rs_node_problem(b->problems, &at, "%zu bytes are too many, at most %d are allowed", b->len,
                    RS_TREE_BYTES);
    b->refused = true;
  } else if (nul != NULL) {
    refuse(b, mark_of(b, (size_t)(nul - b->text)), "not a text file: it holds a NUL byte");
  } else if (directive != NULL) {
    refuse(b, mark_of(b, (size_t)(directive - b->text)), "tags (`%TAG`) are not supported");
  }
  return !b->refused;
}

/* The byte order mark that some editors put before UTF-8. */
static void skip_mark(builder *b) {
  if (b->len < 3 || memcmp(b->text, "\xef\xbb\xbf", 3) != 0) return;
  b->text += 3;
  b->len -= 3;
}

rs_status rs_tree_parse(const rs_source *source, const char *text, size_t len,
                        rs_problems *problems, rs_tree **out) {
  builder b = {.source = source, .text = text, .len = len, .problems = problems};
  *out = NULL;
  skip_mark(&b);
  if (!is_readable(&b)) return RS_OK;
  RS_TRY(rs_new(&b.tree, 1, sizeof *b.tree));
  rs_status status;
  if (yaml_parser_initialize(&b.parser)) {
    yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)b.text, b.len);
    status = build(&b);
    yaml_parser_delete(&b.parser);
  } else {
    status = rs_fail(RS_ERR_NOMEM, "out of memory: %s", source->name);
  }
  if (status == RS_OK && !b.refused && b.tree->root == NULL) { /* nothing but comments */
    status = new_node(&b, RS_NODE_SCALAR, (yaml_mark_t){0}, &b.tree->root);
    if (status == RS_OK) status = rs_strdup(&b.tree->root->text, "");
  }
  if (status != RS_OK || b.refused)
    rs_tree_destroy(b.tree);
  else
    *out = b.tree;
  return status;
}

void rs_tree_destroy(rs_tree *tree) {
  if (tree == NULL) return;
  for (rs_node *node = tree->nodes, *next; node != NULL; node = next) {
    next = node->link;
    free(node->text);
    free(node);
  }
  free(tree);
}

const rs_node *rs_tree_root(const rs_tree *tree) {
  return tree->root;
}
