/* SPDX-License-Identifier: ISC */
/* roles - the kinds of children, each in its file. */
#ifndef POSTERN_MASTER_ROLES_H
#define POSTERN_MASTER_ROLES_H

#include "master/process.h"

extern const struct master_role certd_master_role;    /* certd.c */
extern const struct master_role accounts_master_role; /* accounts.c */
extern const struct master_role queue_master_role;    /* queue.c */
extern const struct master_role verify_master_role;   /* verify.c */
extern const struct master_role relay_master_role;    /* relay.c */
extern const struct master_role filter_master_role;   /* filter.c */
extern const struct master_role gate_master_role;     /* gates.c */
extern const struct master_role session_master_role;  /* sessions.c */

/* -- certd ---------------------------------------------------------------------- */

/* Gives certd one end of a channel to a posternctl (fd stays the caller's). -1: it isn't there. */
int certd_administrate(struct master *, int fd);
/* Has it read its folder again. */
void certd_reload(struct master *);
/* Which keys are relay's, as the configuration in force says. */
void certd_tell_relay_keys(struct master *);

/* -- accounts ------------------------------------------------------------------- */

/* Hands accounts.conf over. Returns its generation, or 0 with ERR filled. */
uint32_t accounts_send_file(struct master *, struct error *);
/* Tells it the domains (again). */
void accounts_send_settings(struct master *);

/* -- queue ---------------------------------------------------------------------- */

/* Gives queue one end of a channel to a posternctl (fd stays the caller's). -1: it isn't there. */
int queue_administrate(struct master *, int fd);
/* Would queue be told other things now than when it was started from OLD? */
bool queue_settings_differ(const struct configuration *, const struct configuration *old);

/* -- verify --------------------------------------------------------------------- */

/* Starts it if a listener asks its clients for certificates, or tells it what is new. -1: no
 * memory. */
int verify_start(struct master *);
/* It is there, or not wanted. */
bool verify_ready(const struct master *);

/* -- relay ---------------------------------------------------------------------- */

/*
 * Starts it if the configuration wants it, or another one if it is to be told other things than by
 * OLD (NULL: it isn't there): what is on its way goes on. -1: no memory.
 */
int relay_start(struct master *, const struct configuration *old);
/* It is there, or not wanted. */
bool relay_ready(const struct master *);

/* -- filter --------------------------------------------------------------------- */

/* Starts it, ends it, or starts it anew, as the configuration in force says. -1: no memory. */
int filter_start(struct master *);
/* It is there, or not wanted. */
bool filter_ready(const struct master *);

/* -- gates ---------------------------------------------------------------------- */

/* Fills the slots for the generation in force: what was in them is out of them, and serves on. */
int gates_start(struct master *, struct error *);
/* Drains all gates of older generations. */
void gates_drain_old(struct master *);
void gates_drain_all(struct master *);
bool gates_ready(const struct master *);
/* Of a gate's process. */
struct generation *gate_generation(const struct process *);
uint32_t gate_connections(const struct process *);

#endif
