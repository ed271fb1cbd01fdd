rs_test(data SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_data.c USES data base LIBS PkgConfig::zlib OpenMP::OpenMP_C)
