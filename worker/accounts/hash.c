/* SPDX-License-Identifier: ISC */
#include "worker/accounts/hash.h"

#include <string.h>

#include "common/saslprep.h"
#include "common/scram_keys.h"

/* Takes as long wherever the first difference is. */
static bool
same(const char *a, const char *b, size_t length)
{
	volatile unsigned char difference = 0;

	for (size_t i = 0; i < length; i++)
		difference = (unsigned char)(difference | (a[i] ^ b[i]));
	return difference == 0;
}

static bool
match_crypt(const struct hash_job *job)
{
	/* 32 KB; a thread's own, so that it can't fail to be there. */
	static _Thread_local struct crypt_data data;
	const char *made = crypt_rn(job->password, job->hash, &data, (int)sizeof(data));
	size_t length = strlen(job->hash);
	bool match = made != NULL && strlen(made) == length && same(made, job->hash, length);

	explicit_bzero(&data, sizeof(data));
	return match;
}

/* A password that can't be prepared was never made a verifier of: it takes as long all the same. */
static bool
match_scram(const struct hash_job *job)
{
	char prepared[PASSWORD_SIZE];
	struct scram_verifier verifier;
	struct error err;
	bool match;

	if (scram_verifier_parse(job->hash, &verifier, &err) == -1)
		return false;
	if (saslprep(job->password, prepared, sizeof(prepared)) == -1)
		strlcpy(prepared, job->password, sizeof(prepared));
	match = scram_verifier_matches(&verifier, prepared);
	explicit_bzero(prepared, sizeof(prepared));
	explicit_bzero(&verifier, sizeof(verifier));
	return match;
}

void
hash_run(struct pool_job *pool_job)
{
	struct hash_job *job = (struct hash_job *)(void *)pool_job;

	job->match = scram_is_verifier(job->hash) ? match_scram(job) : match_crypt(job);
	explicit_bzero(job->password, sizeof(job->password));
}
