/* How this program was built. CMake writes the definitions (cmake/BuildFacts.cmake). */
#ifndef RANKSWEEP_SCHED_BUILD_FACTS_H
#define RANKSWEEP_SCHED_BUILD_FACTS_H

extern const char build_source[];   /* `git describe --always --dirty`, or "unknown" */
extern const char build_type[];     /* e.g. "Release" */
extern const char build_compiler[]; /* e.g. "GNU 12.2.0" */
extern const char build_flags[]; /* all that change what is computed; those for warnings do not */

#endif
