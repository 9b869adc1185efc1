#!/usr/bin/env python3
"""sound_oracle.py - the features of src/read/sound_features.h by numpy, straight from the recipe there, for a tone with a chirp.

Prints the tables of sound_vectors.h: sound_oracle.py >sound_vectors.h. Needs numpy; the tests need only its output."""
import numpy as np

def signal(n, rate):
    """A tone of 440 Hz, a chirp from 200 Hz to 0.42 of the rate; the second half a thousand times quieter, then silence."""
    t = np.arange(n) / rate
    length = n / rate
    chirp = 2 * np.pi * (200 * t + 0.5 * (0.42 * rate - 200) / length * t * t)
    x = 0.5 * np.sin(2 * np.pi * 440 * t) + 0.25 * np.sin(chirp)
    x[n // 2:] *= 1e-3
    x[n - n // 5:] = 0
    return x.astype(np.float32).astype(np.float64)

def features(x, rate, mel=40, window=25, step=10, mfcc=0, delta=0, scale='', stack=1):
    W, H = int(rate * window / 1000 + 0.5), int(rate * step / 1000 + 0.5)
    N = 1 << max(2, (W - 1).bit_length())
    x = x * 32768
    y = np.append(x[0], x[1:] - 0.97 * x[:-1])
    if len(y) < W: y = np.append(y, np.zeros(W - len(y)))
    T = 1 + (len(y) - W) // H
    shape = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(W) / (W - 1))
    P = np.abs(np.fft.rfft(np.stack([y[t * H:t * H + W] * shape for t in range(T)]), N)) ** 2
    to_mel = lambda f: 2595 * np.log10(1 + f / 700)
    points = 700 * (10 ** (np.linspace(to_mel(80), to_mel(0.475 * rate), mel + 2) / 2595) - 1)
    f = np.arange(N // 2 + 1) * rate / N
    triangles = np.stack([np.clip(np.minimum((f - a) / (b - a), (c - f) / (c - b)), 0, None)
                          for a, b, c in zip(points, points[1:], points[2:])])
    c = np.log(np.maximum(P @ triangles.T, 1))
    if mfcc:
        dct = np.sqrt(2 / mel) * np.cos(np.pi * np.outer(np.arange(mfcc), np.arange(mel) + 0.5) / mel)
        dct[0] /= np.sqrt(2)
        c = c @ dct.T
    c = c[:max(1, len(c) // stack) * stack]
    c = np.concatenate([c, np.repeat(c[-1:], -len(c) % stack, 0)])
    if scale == 'ALL': c = (c - c.mean()) / (c.std() + 1e-5)
    if scale == 'EACH': c = (c - c.mean(0)) / (c.std(0) + 1e-5)
    parts = [c]
    for _ in range(delta):
        p = np.pad(parts[-1], ((2, 2), (0, 0)), 'edge')
        parts.append((p[3:-1] - p[1:-3] + 2 * (p[4:] - p[:-4])) / 10)
    return np.concatenate(parts, 1).reshape(len(c) // stack, -1)

CASES = [
    (600, dict(rate=8000, mel=10)),
    (600, dict(rate=8000, mel=10, mfcc=5, delta=2)),
    (2000, dict(rate=8000, mel=8, scale='ALL', delta=1)),
    (3000, dict(rate=16000, mel=12, window=32, step=20, scale='EACH')),
    (4410, dict(rate=22050, mel=6, window=25, step=12.5)),
    (100, dict(rate=8000)),
    (1500, dict(rate=8000, mel=5, scale='EACH', stack=3)),
    (300, dict(rate=8000, mel=5, mfcc=3, scale='ALL', delta=1, stack=4)),
]

def main():
    print('/* Written by sound_oracle.py. */')
    rows = []
    for i, (n, form) in enumerate(CASES):
        c = features(signal(n, form['rate']), **form)
        flat = ['%.7gf' % v if '.' in '%.7g' % v or 'e' in '%.7g' % v else '%.7g.0f' % v for v in c.ravel()]
        print('static const float sound_want%d[] = {%s};' % (i, ', '.join(flat)))
        fields = ['.%s = %s' % (k, 'SOUND_SCALE_' + v if k == 'scale' else v) for k, v in dict(dict(mel=40, stack=1, window=25, step=10), **form).items()]
        rows.append('    {%d, {%s}, %d, %d, sound_want%d},' % (n, ', '.join(fields), *c.shape, i))
    print('static const struct {\n  int n;\n  sound_form form;\n  int steps, width;\n  const float *want;\n} sound_vectors[] = {')
    print('\n'.join(rows) + '\n};')

if __name__ == '__main__': main()
