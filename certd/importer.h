/* SPDX-License-Identifier: ISC */
/* importer - certd's end of the importer (certd_importer.h): jobs, and how they ended. */
#ifndef POSTERN_CERTD_IMPORTER_H
#define POSTERN_CERTD_IMPORTER_H

#include <stdint.h>

#include "common/child.h"
#include "common/error.h"
#include "common/ipc.h"

struct importer_client;

/* The process of job NUMBER is gone: killed by SIGNAL (0: it exited with STATUS). */
typedef void importer_ended_fn(uint32_t number, unsigned signal, unsigned status, void *arg);

/*
 * Starts PROGRAM as the importer, which closes its sandbox at once. For a process whose own is
 * still open, before it has a key. NULL with ERR filled.
 */
struct importer_client *importer_start(struct event_base *, const char *program,
				       const struct mc_identity *, struct error *);
void importer_stop(struct importer_client *); /* NULL is fine */

/* Who is told; one at a time. */
void importer_listen(struct importer_client *client, importer_ended_fn *ended, void *arg);

/*
 * Begins a job; *CHANNEL is its channel (import_job_boundary, IPC_CLIENT). One that is not done is
 * killed. Returns its number, or 0 with ERR filled.
 */
uint32_t importer_job(struct importer_client *, int *channel, struct error *);

/* Our log is another now: so shall be its. */
void importer_log_changed(struct importer_client *);

/*
 * Ends that job, whatever it is at. The end of the process is told, even if it has been told
 * before.
 */
void importer_kill(struct importer_client *, uint32_t number);

#endif
