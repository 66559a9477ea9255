/* SPDX-License-Identifier: ISC */
/* path - the arguments of MAIL and RCPT (RFC 5321 4.1.1.2, 4.1.1.3). Pure. */
#ifndef POSTERN_WORKER_GATE_SMTP_PATH_H
#define POSTERN_WORKER_GATE_SMTP_PATH_H

#include "worker/gate/smtp/command.h"

/* "FROM:<reverse-path> parameters". Returns 0, or -1 with the reply filled. */
int smtp_parse_mail(const char *arg, size_t length, struct smtp_command *, struct smtp_reply *);

/* "TO:<forward-path> parameters" */
int smtp_parse_rcpt(const char *arg, size_t length, struct smtp_command *, struct smtp_reply *);

/*
 * What stands behind the path, perhaps nothing (parameters.c): SIZE, BODY, AUTH, SMTPUTF8,
 * REQUIRETLS, RET and ENVID of MAIL; NOTIFY and ORCPT of RCPT. Each at most once.
 */
int smtp_parse_parameters(const char *text, size_t length, struct smtp_command *,
			  struct smtp_reply *);

bool smtp_is_ascii(const char *text, size_t length);

#endif
