/* SPDX-License-Identifier: ISC */
/* tls_client - for the benchmarks: many full handshakes, some at once. */
#ifndef POSTERN_TESTS_BENCH_TLS_CLIENT_H
#define POSTERN_TESTS_BENCH_TLS_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * COUNT handshakes, AT_ONCE at a time, with TLS of VERSION (TLS1_3_VERSION, ...) and the curve that
 * most clients offer first. With KEEP the connections stay (in this process, until it ends), else
 * the server is waited for to close each. Ends the program when one fails.
 */
void tls_client_run(uint16_t port, int version, unsigned long count, unsigned at_once, bool keep);

#endif
