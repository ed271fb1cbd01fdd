#include "fft.h"

#include <complex.h> /* before fftw3.h: its complex type is C's then */
#include <pthread.h>
#include <stdlib.h>

#include <fftw3.h>

/* FFTW's planner has global state and no lock of its own. */
static pthread_mutex_t planner = PTHREAD_MUTEX_INITIALIZER;

struct rs_fft {
  fftwf_plan forward, inverse;
};

/* ---- scratch ------------------------------------------------------------------------------ */

rs_status rs_fft_scratch_create(size_t points, rs_fft_scratch *out) {
  *out = (rs_fft_scratch){0};
  RS_TRY(rs_new(&out->time, points, sizeof *out->time));
  rs_status status = rs_new(&out->bins, points / 2 + 1, sizeof *out->bins);
  if (status != RS_OK) rs_fft_scratch_free(out);
  return status;
}

void rs_fft_scratch_free(rs_fft_scratch *scratch) {
  free(scratch->time);
  free(scratch->bins);
  *scratch = (rs_fft_scratch){0};
}

/* ---- plans -------------------------------------------------------------------------------- */

/* Estimated plans: a measured one depends on the timings of the day, and with it the last bits of
 * the results. */
static void make_plans(rs_fft *fft, int points, const rs_fft_scratch *s) {
  pthread_mutex_lock(&planner);
  fft->forward = fftwf_plan_dft_r2c_1d(points, s->time, s->bins, FFTW_ESTIMATE);
  fft->inverse = fftwf_plan_dft_c2r_1d(points, s->bins, s->time, FFTW_ESTIMATE);
  pthread_mutex_unlock(&planner);
}

rs_status rs_fft_create(size_t points, rs_fft **out) {
  rs_fft_scratch like = {0};
  *out = NULL;
  rs_fft *fft;
  RS_TRY(rs_new(&fft, 1, sizeof *fft));
  rs_status status = rs_fft_scratch_create(points, &like);
  if (status == RS_OK) {
    make_plans(fft, (int)points, &like);
    if (fft->forward == NULL || fft->inverse == NULL)
      status = rs_fail(RS_ERR_NOMEM, "no plan for a Fourier transform of %zu points", points);
  }
  rs_fft_scratch_free(&like);
  if (status == RS_OK)
    *out = fft;
  else
    rs_fft_destroy(fft);
  return status;
}

void rs_fft_destroy(rs_fft *fft) {
  if (fft == NULL) return;
  pthread_mutex_lock(&planner);
  fftwf_destroy_plan(fft->forward);
  fftwf_destroy_plan(fft->inverse);
  pthread_mutex_unlock(&planner);
  free(fft);
}

/* ---- transforms --------------------------------------------------------------------------- */

void rs_fft_forward(const rs_fft *fft, float *time, rs_cfloat *bins) {
  fftwf_execute_dft_r2c(fft->forward, time, bins);
}

void rs_fft_inverse(const rs_fft *fft, rs_cfloat *bins, float *time) {
  fftwf_execute_dft_c2r(fft->inverse, bins, time);
}
