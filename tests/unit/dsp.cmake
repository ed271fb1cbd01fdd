rs_test(dsp SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_dsp.c USES dsp base LIBS OpenMP::OpenMP_C)
