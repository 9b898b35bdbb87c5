"""Learning: the models and losses of a first course, training, graphs, activations, gradient flow."""
