/* SPDX-License-Identifier: ISC */
/*
 * hop_limit - how many servers a mail may have passed. Who takes a mail and who sends it on have
 * one limit: what could only be bounced is refused before it is taken, for its sender may be
 * forged.
 */
#ifndef POSTERN_COMMON_HOP_LIMIT_H
#define POSTERN_COMMON_HOP_LIMIT_H

/* Received: fields. RFC 5321 6.3: at least 100; what has this many goes round in circles. */
#define HOP_LIMIT 100

#endif
