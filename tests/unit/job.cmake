rs_test(job SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_job.c ${CMAKE_CURRENT_LIST_DIR}/job_cases.c USES job)
target_compile_definitions(test_job PRIVATE JOB_CASES="${CMAKE_CURRENT_LIST_DIR}/job.test")
