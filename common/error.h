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

/*
 * The three are macros around functions so that everybody who reads the code, tools included, sees
 * that they return -1: a caller can `return error_set(...)`.
 */

/* Sets the text, by a printf(3) format. Longer text is cut. */
#define error_set(err, ...) (error_set_text((err), __VA_ARGS__), error_result())

/* The same, followed by ": " and strerror(errno); errno is kept. */
#define error_errno(err, ...) (error_errno_text((err), __VA_ARGS__), error_result())

/* Puts "CONTEXT: " in front of a text that is already there. */
#define error_prefix(err, ...) (error_prefix_text((err), __VA_ARGS__), error_result())

void error_set_text(struct error *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void error_errno_text(struct error *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void error_prefix_text(struct error *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline int
error_result(void)
{
	return -1;
}

#endif
