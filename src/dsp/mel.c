/* Energies in bands as wide as the ear's, and their cepstra. */
#include "ranksweep/dsp.h"

#include <complex.h>
#include <math.h>
#include <stdlib.h>

/* Band b rises from peak b - 1 to peak b and falls to peak b + 1, so that a bin belongs to two
 * bands at most: `band` is the one it rises in, with `rise`; it falls in the one before. */
struct rs_mel {
  size_t bins, bands, cepstra;
  size_t *band; /* [bins]; `bands`: it only falls in the last one */
  float *rise;  /* [bins] */
  float *table; /* [cepstra, bands] of the cosine transform */
};

/* Stevens and Volkmann's scale as O'Shaughnessy wrote it (1987). */
static double mel_of(double hertz) {
  return 2595 * log10(1 + hertz / 700);
}

static void lay_bands(rs_mel *m, double rate) {
  double step = mel_of(rate / 2) / (double)(m->bands + 1);
  for (size_t k = 0; k < m->bins; k++) {
    double at = mel_of(rate / 2 * (double)k / (double)(m->bins - 1)) / step;
    size_t band = (size_t)at;
    m->band[k] = band < m->bands ? band : m->bands;
    m->rise[k] = (float)(at - (double)m->band[k]);
  }
}

/* The orthonormal DCT-II. */
static void lay_cosines(rs_mel *m) {
  double n = (double)m->bands;
  for (size_t c = 0; c < m->cepstra; c++)
    for (size_t b = 0; b < m->bands; b++)
      m->table[c * m->bands + b] =
          (float)(sqrt((c == 0 ? 1 : 2) / n) * cos(M_PI * (double)c * ((double)b + 0.5) / n));
}

static rs_status check(double rate, size_t bins, size_t bands, size_t cepstra) {
  if (rate > 0 && bins > 1 && bands > 0 && bands < bins && cepstra <= bands) return RS_OK;
  return rs_fail(
      RS_ERR_USAGE,
      "mel bands: expected fewer bands than the %zu bins and no more cepstra than bands, "
      "got %zu and %zu",
      bins, bands, cepstra);
}

rs_status rs_mel_create(double rate, size_t bins, size_t bands, size_t cepstra, rs_mel **out) {
  rs_mel *m;
  *out = NULL;
  RS_TRY(check(rate, bins, bands, cepstra));
  RS_TRY(rs_new(&m, 1, sizeof *m));
  *m = (rs_mel){.bins = bins, .bands = bands, .cepstra = cepstra};
  rs_status status = rs_new(&m->band, bins, sizeof *m->band);
  if (status == RS_OK) status = rs_new(&m->rise, bins, sizeof *m->rise);
  if (status == RS_OK && cepstra > 0) status = rs_new(&m->table, cepstra * bands, sizeof(float));
  if (status != RS_OK) {
    rs_mel_destroy(m);
    return status;
  }
  lay_bands(m, rate);
  lay_cosines(m);
  *out = m;
  return RS_OK;
}

void rs_mel_destroy(rs_mel *m) {
  if (m == NULL) return;
  free(m->band);
  free(m->rise);
  free(m->table);
  free(m);
}

void rs_mel_log_energies(const rs_mel *m, const rs_cfloat *spectrum, float *out) {
  const float floor = 1e-4f; /* some 60 dB below speech of full scale */
  for (size_t b = 0; b < m->bands; b++) out[b] = floor;
  for (size_t k = 0; k < m->bins; k++) {
    float re = crealf(spectrum[k]), im = cimagf(spectrum[k]), power = re * re + im * im;
    size_t band = m->band[k];
    if (band < m->bands) out[band] += m->rise[k] * power;
    if (band > 0) out[band - 1] += (1 - m->rise[k]) * power;
  }
  for (size_t b = 0; b < m->bands; b++) out[b] = logf(out[b]);
}

void rs_mel_cepstra(const rs_mel *m, const float *log_energies, float *out) {
  for (size_t c = 0; c < m->cepstra; c++) {
    const float *row = m->table + c * m->bands;
    float sum = 0;
    for (size_t b = 0; b < m->bands; b++) sum += row[b] * log_energies[b];
    out[c] = sum;
  }
}
