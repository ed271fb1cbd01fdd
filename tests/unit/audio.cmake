rs_test(audio SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_audio.c USES data base LIBS PkgConfig::sndfile)
rs_test(corpus SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_corpus.c USES data base)
rs_test(voices SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_voices.c USES data dsp base LIBS OpenMP::OpenMP_C)
