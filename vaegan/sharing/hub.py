"""Models in folders and repositories of the Hugging Face Hub, by huggingface_hub's own mixin; the extra `hub`."""

from pathlib import Path
from typing import Any

from vaegan import config_json, pretrained
from vaegan.errors import UserError
from vaegan.model import Model, load
from vaegan.sharing.card import card

try:
    from huggingface_hub import ModelHubMixin, snapshot_download
except ImportError:
    raise UserError("models in the Hugging Face Hub need a package more: pip install 'vaegan[hub]'") from None

FRONT = "---\nlibrary_name: vaegan\nlicense: {licence}\ntags:\n- vae\n- vae-gan\n---\n\n"
FREE = ("synthfaces", "fashion-mnist")  # data under the licence of this project
NEEDED = (pretrained.WEIGHTS, "config.json")


class HubModel(Model, ModelHubMixin):
    """A model with `save_pretrained(folder)`, `from_pretrained(folder or "user/name")` and `push_to_hub("user/name")`.

    A folder has `model.safetensors`, `config.json` and a card, README.md; it opens wherever a run does. Nothing is
    downloaded or sent but by a repository's name.
    """

    source: Path | None = None  # the run that it was, whose metrics its card shows

    @classmethod
    def of(cls, run: str | Path) -> "HubModel":
        """Open a run, or a folder that has been saved. Errors as `vaegan.load`."""
        model = cls.like(load(run))
        model.source = Path(run)
        return model

    @classmethod
    def like(cls, model: Model, device: str = "cpu") -> "HubModel":
        """Return a model that draws what another one does."""
        return cls(model.config, model.networks, model.step, model.channels, device, model.conditions, model.data)

    def _save_pretrained(self, save_directory: Path) -> None:
        state = {
            "config": config_json.to_dict(self.config),
            "step": self.step,
            "channels": self.channels,
            "conditions": self.conditions.state(),
            "data": self.data,
            "networks": {name: network.cpu().state_dict() for name, network in self.networks.items()},
        }
        pretrained.write(save_directory, state)
        for network in self.networks.values():
            network.to(self.device)
        licence = "mit" if self.config.dataset in FREE else "other"
        text = card(self, "all", "safetensors", pretrained.WEIGHTS, 0.0, self.source or save_directory)
        (save_directory / "README.md").write_text(FRONT.format(licence=licence) + text, encoding="utf-8")

    @classmethod
    def _from_pretrained(cls, *, model_id: str, device: str = "cpu", **options: Any) -> "HubModel":
        folder = Path(model_id)
        if not folder.is_dir():
            wanted = ("revision", "cache_dir", "force_download", "local_files_only", "token")
            given = {name: options[name] for name in wanted if name in options}
            folder = Path(snapshot_download(model_id, allow_patterns=list(NEEDED), **given))
        return cls.like(load(folder), "cpu" if device == "auto" else device)  # "auto": out of config.json
