/* SPDX-License-Identifier: ISC */
/*
 * error - one struct that says what failed, on what, and why.
 *
 * Functions that can fail for a reason worth telling take a struct error *
 * (never NULL), return -1 (or NULL) and fill it; on success it is untouched.
 */
#ifndef POSTERN_COMMON_ERROR_H
#define POSTERN_COMMON_ERROR_H

#define ERROR_MAX 512

struct error {
	char text[ERROR_MAX]; /* NUL-terminated, no newline, fit for a log line or a terminal */
};

/* Sets the text. Longer text is cut. Returns -1, so that a caller can `return error_set(...)`. */
int error_set(struct error *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same, followed by ": " and strerror(errno). */
int error_errno(struct error *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "CONTEXT: " in front of a text that is already there. Returns -1. */
int error_prefix(struct error *, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
