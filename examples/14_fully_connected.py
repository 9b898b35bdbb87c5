"""A fully connected layer: the size under every factor, for one layer ℓ and for every layer of a network."""

from symderiv.learn.layer_sizes import layer_sizes, network_sizes, write_equations

print(write_equations(layer_sizes("relu")))
print(write_equations(network_sizes(3, "tanh", (784, 100, 50, 10))))
