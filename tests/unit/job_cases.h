/* Runs job.test: a text file of job files and what becomes of them. */
#ifndef JOB_CASES_H
#define JOB_CASES_H

void job_cases_pass(void **state);

#endif
