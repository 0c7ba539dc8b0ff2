"""The five systems' data sets, and the whole domain, as seeded generators."""
