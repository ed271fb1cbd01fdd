/* store: names inside a checkpoint that its writer and its reader share; the layout is in store.h.
 */
#ifndef RANKSWEEP_STORE_CHECKPOINT_H
#define RANKSWEEP_STORE_CHECKPOINT_H

#define RS_CHECKPOINT_FORMAT "ranksweep-checkpoint"
#define RS_CHECKPOINT_MODEL  "model"
enum { RS_CHECKPOINT_VERSION = 1 };

#endif
