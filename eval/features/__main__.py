"""python -m eval.features train DATASET: make a shipped feature network anew."""

from eval.features.training import main

if __name__ == "__main__":
    main()
