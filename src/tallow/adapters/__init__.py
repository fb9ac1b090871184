"""Classes for strategies written in the shape of other frameworks: change the import, keep the rest."""
