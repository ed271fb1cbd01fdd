rs_fuzz(idx SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_idx.c USES data CORPUS ${CMAKE_CURRENT_LIST_DIR}/corpus/idx)
