"""Tests of NodeCreatePetEffect."""
