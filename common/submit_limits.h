/* SPDX-License-Identifier: ISC */
/*
 * submit_limits - how much who has logged in may send, of his own limits and everybody's. The gate
 * says so before a message begins, queue sees that it holds.
 */
#ifndef POSTERN_COMMON_SUBMIT_LIMITS_H
#define POSTERN_COMMON_SUBMIT_LIMITS_H

#include "common/proto/types.h"

static inline uint32_t
submit_limits_either(uint32_t own, uint32_t all)
{
	return own != 0 ? own : all;
}

/* An account's: OWN says what ALL says of all others. */
static inline struct submit_limits
submit_limits_of(const struct submit_limits *own, const struct submit_limits *all)
{
	return (struct submit_limits){
	    submit_limits_either(own->messages_per_hour, all->messages_per_hour),
	    submit_limits_either(own->recipients_per_hour, all->recipients_per_hour),
	    submit_limits_either(own->recipients_per_message, all->recipients_per_message)};
}

/* The most recipients that one message may ever have; 0: nothing is said of it. */
static inline uint32_t
submit_limits_recipients(const struct submit_limits *limits)
{
	uint32_t hourly = limits->recipients_per_hour, most = limits->recipients_per_message;

	return most == 0 || (hourly != 0 && hourly < most) ? hourly : most;
}

#endif
