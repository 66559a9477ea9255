/* SPDX-License-Identifier: ISC */
/* importer_job - one job of the importer (certd_importer.h), in a process of its own. */
#ifndef POSTERN_CERTD_IMPORTER_JOB_H
#define POSTERN_CERTD_IMPORTER_JOB_H

#include <stdbool.h>

#include <openssl/x509.h>

#include "common/sandbox.h"

/* What the importer has ready for its jobs. */
struct importer_means {
	X509_STORE *authorities; /* this host's; NULL: it has no list */
	bool legacy;             /* OpenSSL's legacy provider is loaded */
	enum sandbox_mode sandbox;
};

#define JOB_CPU_SECONDS 10
#define JOB_WALL_SECONDS 600 /* somebody may have to look for a pass phrase */
#define JOB_MEMORY (256u << 20)

/*
 * In a fresh child: closes its sandbox, works over CHANNEL, and ends the process. There is no other
 * descriptor but the log.
 */
_Noreturn void importer_job_run(int channel, const struct importer_means *);

#endif
